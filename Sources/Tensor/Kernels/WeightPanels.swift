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
  private let outputs: Int
  private let inputs: Int
  private let groups: Int
  private let storage: Storage

  /// One weight for each group, of the outputs in turn.
  private init(_ weight: Tensor, groups: Int, for product: WeightProduct) {
    self.product = product
    self.groups = groups
    outputs = weight.shape[0] / groups
    inputs = weight.shape.elementCount(1..<weight.rank)
    storage = Storage(elementCount: weight.elementCount)
    copy(weight)
  }

  static func of(_ weight: Tensor, groups: Int, for product: WeightProduct) -> WeightPanels {
    let (rows, columns) = (weight.shape[0], weight.shape.elementCount(1..<weight.rank))
    return weight.derived(
      where: {
        // A part of a weight shares its storage.
        $0.product == product && $0.groups == groups && $0.outputs * groups == rows
          && $0.inputs == columns
      },
      { WeightPanels(weight, groups: groups, for: product) })
  }

  /// result[m, outputs] = x[m, inputs] · weightᵀ, or result[m, inputs] = x[m, outputs] · weight, each
  /// + beta · result
  func multiply(
    m: Int, group: Int, _ x: UnsafePointer<Float>, stride: Int, beta: Float = 0,
    into result: UnsafeMutablePointer<Float>, stride resultStride: Int
  ) {
    defer { extendLifetime(self) }
    let isForOutputs = product == .outputs
    panelGemm(
      m: m, n: isForOutputs ? outputs : inputs, k: isForOutputs ? inputs : outputs, x,
      stride: stride, storage.pointer + group * outputs * inputs, beta: beta, into: result,
      stride: resultStride)
  }

  /// x · weightᵀ for all rows of a matrix and weights in one group, panels over the threads.
  fileprivate func multiply(_ x: Tensor) -> Tensor {
    precondition(
      product == .outputs && groups == 1, "panels of other products are not for matrices")
    let m = x.shape[0]
    defer { extendLifetime((self, x.storage)) }
    let source = x.pointer
    let panels = (outputs + panelWidth - 1) / panelWidth
    // Parts of the rows too where there are few panels.
    let parts = panels < 2 * Threads.count ? min(m, Threads.count) : 1
    return Tensor([m, outputs]) { out in
      Parallel.forEach(panels * parts) { index in
        let (panel, part) = index.quotientAndRemainder(dividingBy: parts)
        let (column, rows) = (panel * panelWidth, m * part / parts..<m * (part + 1) / parts)
        panelGemm(
          m: rows.count, n: min(panelWidth, outputs - column), k: inputs,
          source + rows.lowerBound * inputs, stride: inputs, storage.pointer + column * inputs,
          into: out + rows.lowerBound * outputs + column, stride: outputs)
      }
    }
  }

  private func copy(_ weight: Tensor) {
    let (rows, columns) = product == .outputs ? (inputs, outputs) : (outputs, inputs)
    let panels = (columns + panelWidth - 1) / panelWidth
    let grain = max(1, (1 << 14) / max(1, panelWidth * rows))
    let source = weight.pointer
    Parallel.forRanges(groups * panels, grain: grain) { range in
      for index in range {
        let (group, panel) = index.quotientAndRemainder(dividingBy: panels)
        let begin = group * outputs * inputs
        copyPanel(
          source + begin, first: panel * panelWidth, into: storage.pointer + begin)
      }
    }
    extendLifetime(weight.storage)
  }

  private func copyPanel(
    _ weight: UnsafePointer<Float>, first: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    switch product {
    case .outputs:
      tensorTransposedPanel(
        weight + first * inputs, inputs, min(panelWidth, outputs - first), inputs,
        panels + first * inputs)
    case .inputGradients:
      let width = min(panelWidth, inputs - first)
      let target = panels + first * outputs
      for output in 0..<outputs {
        (target + output * width).update(from: weight + output * inputs + first, count: width)
      }
    }
  }
}

/// x[m, inputs] · weightᵀ, for a weight[outputs, inputs] that several products share: many rows pay for its
/// panels.
func weightProduct(_ x: Tensor, _ weight: Tensor) -> Tensor {
  guard
    x.shape[0] > mostRowsOfStrips, weight.elementCount > 0,
    BLAS.coreSelection.leavesSmallProductsInPlace
  else { return gemm(x, weight, transposingB: true) }
  return WeightPanels.of(weight, groups: 1, for: .outputs).multiply(x)
}
