internal import CTensorKernels

/// The transformed kernels G g Gᵀ of a weight for one of its products, kept with it.
final class WinogradWeights: Derived {
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
    let transform = scheme.transforms.weights
    let layout = CTKWinogradWeightLayout(
      outputs: outputs, inputs: inputs, panel: panelWidth, isForOutputs: product == .outputs)
    layout.forEachPart { [storage] range in
      transform(layout, weight.pointer, range.lowerBound, range.upperBound, storage.pointer)
    }
    extendLifetime(weight.storage)
  }

  static func of(_ weight: Tensor, _ scheme: WinogradScheme, for product: WeightProduct)
    -> WinogradWeights
  {
    weight.derived(
      where: {
        $0.product == product && $0.scheme.hasShape(of: scheme) && $0.shape == weight.shape
      },
      { WinogradWeights(weight, scheme, product) })
  }

  /// The product of one plane: products[tile, o] = values[tile, phase, c] · kernels, or
  /// values[tile, phase, c] = gradients[tile, o] · kernels.
  func multiply(
    _ plane: WinogradPoint, count: Int, _ tiles: UnsafePointer<Float>,
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

/// One point of both axes, with a product of matrices of its own.
struct WinogradPoint {
  private let scheme: WinogradScheme
  private let row: Int
  private let column: Int
  let inputs: Int
  let outputs: Int

  init(_ index: Int, of scheme: WinogradScheme, _ geometry: ConvolutionGeometry) {
    self.scheme = scheme
    (row, column) = index.quotientAndRemainder(dividingBy: scheme.points)
    inputs = geometry.inputs
    outputs = geometry.outputs
  }

  /// The terms of the forward product's sums: the inputs of all phases at this point.
  var depth: Int { scheme.phases(at: row) * scheme.phases(at: column) * inputs }

  /// Where the kernels begin.
  var kernels: Int { phasePlane(outputs * inputs) }

  /// Where the plane begins, for planes of `size` numbers for each phase.
  func phasePlane(_ size: Int) -> Int {
    ctk_winograd_phase_plane(scheme.stride, scheme.points, row, column, size)
  }

  /// Where the plane begins, for planes of `size` numbers.
  func plane(_ size: Int) -> Int { ctk_winograd_plane(scheme.points, row, column, size) }
}

extension CTKWinogradWeightLayout {
  /// Calls `body` with parts of all outputs, on all threads.
  func forEachPart(_ body: (_ outputs: Range<Int>) -> Void) {
    // Groups of outputs that fill lines of the cache.
    let group = 2 * Int(CTKLaneCount)
    let groups = (outputs + group - 1) / group
    Parallel.forRanges(groups, grain: max(1, (1 << 11) / (group * inputs))) { range in
      body(range.lowerBound * group..<min(outputs, range.upperBound * group))
    }
  }
}
