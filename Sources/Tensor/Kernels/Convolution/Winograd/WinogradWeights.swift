internal import CTensorKernels

/// The transformed kernels G g Gᵀ of a weight for one of its products, kept with it.
final class WinogradKernels: Derived {
  /// The transforms enlarge the errors of sums, so these are of short ones.
  private static let longestSum = 128

  private let scheme: WinogradScheme
  private let product: WeightProduct
  /// A part of a weight shares its storage.
  private let shape: Shape
  private let storage: Storage

  private init(_ weight: Tensor, _ scheme: WinogradScheme, _ product: WeightProduct) {
    self.scheme = scheme
    self.product = product
    shape = weight.shape
    let (outputs, inputs) = (weight.shape[0], weight.shape[3])
    storage = Storage(elementCount: scheme.elementCount(outputs * inputs))
    let transform = scheme.transforms.kernels
    let layout = WinogradKernelLayout(
      outputs: outputs, inputs: inputs, panel: panelWidth, isForOutputs: product == .outputs)
    layout.forEachPart { [storage] layout, range in
      transform(layout, weight.pointer, range.lowerBound, range.upperBound, storage.pointer)
    }
    extendLifetime(weight.storage)
  }

  static func of(_ weight: Tensor, _ scheme: WinogradScheme, for product: WeightProduct)
    -> WinogradKernels
  {
    weight.derived(
      where: {
        $0.product == product && $0.scheme.hasShape(of: scheme) && $0.shape == weight.shape
      },
      { WinogradKernels(weight, scheme, product) })
  }

  /// The product of one plane: products[tile, o] = values[tile, phase, c] · kernels, or
  /// values[tile, phase, c] = gradients[tile, o] · kernels.
  func multiply(
    _ plane: WinogradPlane, count: Int, _ tiles: UnsafePointer<Float>,
    into results: UnsafeMutablePointer<Float>
  ) {
    defer { extendLifetime(self) }
    let kernels = storage.pointer + plane.kernels
    switch product {
    case .outputs:
      panelGemm(
        m: count, n: plane.outputs, k: plane.depth, tiles, stride: plane.depth, kernels,
        into: results, stride: plane.outputs, longestSum: Self.longestSum)
    case .inputGradients:
      for phase in 0..<plane.depth / plane.inputs {
        panelGemm(
          m: count, n: plane.inputs, k: plane.outputs, tiles, stride: plane.outputs,
          kernels + phase * plane.inputs * plane.outputs, into: results + phase * plane.inputs,
          stride: plane.depth, longestSum: Self.longestSum)
      }
    }
  }
}

/// One point of both axes: a product of matrices.
struct WinogradPlane {
  /// The place among the planes.
  let index: Int
  /// The channels of all planes before.
  let start: Int
  /// The channels of the inputs, for each phase that is not zero here.
  let depth: Int
  let inputs: Int
  let outputs: Int

  /// Where its kernels begin.
  var kernels: Int { start * outputs + index * WinogradGap }

  init(_ index: Int, of scheme: WinogradScheme, _ geometry: ConvolutionGeometry) {
    let (row, column) = index.quotientAndRemainder(dividingBy: scheme.points)
    self.index = index
    start = scheme.start(row, column) * geometry.inputs
    depth = scheme.phases(at: row) * scheme.phases(at: column) * geometry.inputs
    inputs = geometry.inputs
    outputs = geometry.outputs
  }
}

extension WinogradKernelLayout {
  /// Calls `body` with parts of all outputs, on all threads.
  func forEachPart(
    _ body: (_ layout: UnsafePointer<WinogradKernelLayout>, _ outputs: Range<Int>) -> Void
  ) {
    // Groups of outputs that fill lines of the cache.
    let group = 2 * LaneCount
    let groups = (outputs + group - 1) / group
    Parallel.forRanges(groups, grain: max(1, (1 << 11) / (group * inputs))) { range in
      withUnsafePointer(to: self) {
        body($0, range.lowerBound * group..<min(outputs, range.upperBound * group))
      }
    }
  }
}
