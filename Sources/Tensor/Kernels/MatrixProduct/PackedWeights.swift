/// The product for which a weight is packed.
enum WeightProduct {
  /// x[m, inputs] · weightᵀ
  case outputs
  /// dy[m, outputs] · weight
  case inputGradients
}

/// A weight[groups · outputs, inputs], packed for one of its products and cached with it.
final class PackedWeights: Packing {
  struct Key: Equatable {
    let product: WeightProduct
    let precision: MatmulPrecision
    let groups: Int
    /// Those of a group.
    let outputs: Int
    let inputs: Int
  }

  let key: Key
  private let storage: Storage

  private init(_ weight: Tensor, _ key: Key) {
    self.key = key
    let length = PackedMatrix.columnLength(rows: key.terms, key.precision)
    storage = Storage(elementCount: key.groups * key.columns * length)
    pack(weight)
  }

  static func of(
    _ weight: Tensor, groups: Int, for product: WeightProduct, _ precision: MatmulPrecision
  ) -> PackedWeights {
    let key = Key(
      product: product, precision: precision, groups: groups, outputs: weight.shape[0] / groups,
      inputs: weight.shape.elementCount(1..<weight.rank))
    return weight.cached(key) { PackedWeights(weight, key) }
  }

  /// result[m, outputs] = x[m, inputs] · weightᵀ, or result[m, inputs] = x[m, outputs] ·
  /// weight, of one group; or += if `accumulating`.
  func multiply(
    _ x: MatrixView, group: Int, accumulating: Bool = false, into result: MatrixDestination
  ) {
    gemm(x, matrix(ofGroup: group), accumulating: accumulating, into: result)
    extendLifetime(self)
  }

  /// x · weightᵀ for a matrix and a weight of one group, panels over the threads.
  fileprivate func multiply(_ x: Tensor) -> Tensor {
    precondition(
      key.product == .outputs && key.groups == 1,
      "multiply(_:) needs a weight packed for .outputs with one group; got one for \(key.product) "
        + "with \(key.groups)")
    defer { extendLifetime((self, x.storage)) }
    let (x, weight) = (MatrixView(x), matrix(ofGroup: 0))
    // Parts of the rows too where there are few panels.
    let parts = max(1, min(Parts.most / max(1, key.panels), x.rows / 64))
    return Tensor([x.rows, key.outputs]) { out in
      let result = MatrixDestination(out, stride: key.outputs)
      Parallel.forEach(key.panels * parts) { index in
        let (panel, part) = index.quotientAndRemainder(dividingBy: parts)
        let (columns, rows) = (
          key.columns(ofPanel: panel), x.rows * part / parts..<x.rows * (part + 1) / parts
        )
        gemm(
          x.rows(rows), weight.columns(columns),
          into: result.from(row: rows.lowerBound, column: columns.lowerBound))
      }
    }
  }

  private func matrix(ofGroup group: Int) -> PackedMatrix {
    let length = PackedMatrix.columnLength(rows: key.terms, key.precision)
    return PackedMatrix(
      storage.pointer + group * key.columns * length, rows: key.terms, columns: key.columns,
      key.precision)
  }

  private func pack(_ weight: Tensor) {
    let grain = max(1, (1 << 14) / max(1, Tuning.panelWidth * key.terms))
    let source = weight.pointer
    Parallel.forRanges(key.groups * key.panels, grain: grain) { range in
      for index in range {
        let (group, panel) = index.quotientAndRemainder(dividingBy: key.panels)
        let columns = key.columns(ofPanel: panel)
        let part = MatrixView(
          source + group * key.outputs * key.inputs, rows: key.outputs, columns: key.inputs)
        let factor = key.product == .outputs ? part.transposed : part
        matrix(ofGroup: group).columns(columns).pack(factor.columns(columns))
      }
    }
    extendLifetime(weight.storage)
  }
}

extension PackedWeights.Key {
  /// The terms of the product's sums, and its columns.
  fileprivate var terms: Int { product == .outputs ? inputs : outputs }
  fileprivate var columns: Int { product == .outputs ? outputs : inputs }

  fileprivate var panels: Int { (columns + Tuning.panelWidth - 1) / Tuning.panelWidth }

  fileprivate func columns(ofPanel panel: Int) -> Range<Int> {
    panel * Tuning.panelWidth..<min(columns, (panel + 1) * Tuning.panelWidth)
  }
}

/// x[m, inputs] · weightᵀ, for a weight[outputs, inputs] that several products share: many rows
/// pay for packing it.
func multiplyByWeight(_ x: Tensor, _ weight: Tensor, _ precision: MatmulPrecision) -> Tensor {
  guard
    x.shape[0] > Tuning.mostRowsOfStrips, weight.elementCount > 0,
    precision == .bfloat16 || FloatGemm.hasKernel
  else { return gemm(x, weight, transposingB: true, precision) }
  return PackedWeights.of(weight, groups: 1, for: .outputs, precision).multiply(x)
}
