internal import CTensorKernels

/// The product that a weight is arranged for.
enum WeightProduct {
  /// x[m, inputs] · weightᵀ
  case outputs
  /// dy[m, outputs] · weight
  case inputGradients
}

/// A weight[outputs, inputs], as the panels of `panelGemm`, kept with it.
final class WeightPanels: Derived {
  private let product: WeightProduct
  private let precision: MatmulPrecision
  private let outputs: Int
  private let inputs: Int
  private let groups: Int
  /// The terms of the product's sums, and its columns.
  private let terms: Int
  private let columns: Int
  /// The numbers that a column takes.
  private let length: Int
  /// The columns of a panel.
  private let width: Int
  private let storage: Storage

  /// One weight for each group, of the outputs in turn.
  private init(
    _ weight: Tensor, groups: Int, for product: WeightProduct, _ precision: MatmulPrecision
  ) {
    self.product = product
    self.precision = precision
    self.groups = groups
    outputs = weight.shape[0] / groups
    inputs = weight.shape.elementCount(1..<weight.rank)
    terms = product == .outputs ? inputs : outputs
    columns = product == .outputs ? outputs : inputs
    length = precision == .bfloat16 ? RoundedProduct.pairCount(terms) : terms
    width = precision == .bfloat16 ? RoundedProduct.panelWidth : panelWidth
    storage = Storage(elementCount: groups * columns * length)
    copy(weight)
  }

  static func of(
    _ weight: Tensor, groups: Int, for product: WeightProduct, _ precision: MatmulPrecision
  ) -> WeightPanels {
    let (rows, columns) = (weight.shape[0], weight.shape.elementCount(1..<weight.rank))
    return weight.derived(
      where: {
        // A part of a weight shares its storage.
        $0.product == product && $0.precision == precision && $0.groups == groups
          && $0.outputs * groups == rows && $0.inputs == columns
      },
      { WeightPanels(weight, groups: groups, for: product, precision) })
  }

  /// result[m, outputs] = x[m, inputs] · weightᵀ, or result[m, inputs] = x[m, outputs] · weight, each
  /// + beta · result
  func multiply(
    m: Int, group: Int, _ x: UnsafePointer<Float>, stride: Int, beta: Float = 0,
    into result: UnsafeMutablePointer<Float>, stride resultStride: Int
  ) {
    multiply(
      m: m, columns: 0..<columns, group: group, x, stride: stride, beta: beta, into: result,
      stride: resultStride)
  }

  /// The same for some columns of the result, which begin a panel.
  private func multiply(
    m: Int, columns range: Range<Int>, group: Int, _ x: UnsafePointer<Float>, stride: Int,
    beta: Float = 0, into result: UnsafeMutablePointer<Float>, stride resultStride: Int
  ) {
    defer { extendLifetime(self) }
    let begin = (group * columns + range.lowerBound) * length
    switch precision {
    case .float32:
      panelGemm(
        m: m, n: range.count, k: terms, x, stride: stride, storage.pointer + begin, beta: beta,
        into: result + range.lowerBound, stride: resultStride)
    case .bfloat16:
      RoundedProduct.panelGemm(
        m: m, n: range.count, k: terms, x, stride: stride, storage.pairs + begin, adds: beta == 1,
        into: result + range.lowerBound, stride: resultStride)
    }
  }

  /// x · weightᵀ for all rows of a matrix and weights in one group, panels over the threads.
  fileprivate func multiply(_ x: Tensor) -> Tensor {
    precondition(
      product == .outputs && groups == 1, "panels of other products are not for matrices")
    let m = x.shape[0]
    defer { extendLifetime(x.storage) }
    let source = x.pointer
    // Parts of the rows too where there are few panels.
    let parts = panels < 2 * Threads.count ? min(m, Threads.count) : 1
    return Tensor([m, outputs]) { out in
      Parallel.forEach(panels * parts) { index in
        let (panel, part) = index.quotientAndRemainder(dividingBy: parts)
        let (column, rows) = (panel * width, m * part / parts..<m * (part + 1) / parts)
        multiply(
          m: rows.count, columns: column..<min(outputs, column + width), group: 0,
          source + rows.lowerBound * inputs, stride: inputs,
          into: out + rows.lowerBound * outputs, stride: outputs)
      }
    }
  }

  private var panels: Int { (columns + width - 1) / width }

  private func copy(_ weight: Tensor) {
    let grain = max(1, (1 << 14) / max(1, width * terms))
    let source = weight.pointer
    Parallel.forRanges(groups * panels, grain: grain) { range in
      for index in range {
        let (group, panel) = index.quotientAndRemainder(dividingBy: panels)
        let first = panel * width
        let columns = first..<min(columns, first + width)
        copy(
          source + group * outputs * inputs, columns,
          to: (group * self.columns + first) * length)
      }
    }
    extendLifetime(weight.storage)
  }

  /// One panel, of a group's weight.
  private func copy(_ weight: UnsafePointer<Float>, _ columns: Range<Int>, to begin: Int) {
    let (first, width) = (columns.lowerBound, columns.count)
    switch (product, precision) {
    case (.outputs, .float32):
      ctk_transpose_panel(weight + first * inputs, inputs, width, inputs, storage.pointer + begin)
    case (.outputs, .bfloat16):
      RoundedProduct.roundTransposed(
        weight + first * inputs, stride: inputs, columns: width, terms: inputs,
        into: storage, from: begin)
    case (.inputGradients, .float32):
      for output in 0..<outputs {
        (storage.pointer + begin + output * width).update(
          from: weight + output * inputs + first, count: width)
      }
    case (.inputGradients, .bfloat16):
      ctk_round_panels(weight + first, inputs, outputs, width, width, storage.pairs + begin)
    }
  }
}

/// x[m, inputs] · weightᵀ, for a weight[outputs, inputs] that several products share: many rows pay for its
/// panels.
func weightProduct(_ x: Tensor, _ weight: Tensor, _ precision: MatmulPrecision) -> Tensor {
  guard
    x.shape[0] > mostRowsOfStrips, weight.elementCount > 0,
    precision == .bfloat16 || BLAS.coreSelection.leavesSmallProductsInPlace
  else { return gemm(x, weight, transposingB: true, precision) }
  return WeightPanels.of(weight, groups: 1, for: .outputs, precision).multiply(x)
}
