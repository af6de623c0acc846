internal import CWinograd

/// The transformed kernels G g Gᵀ of a weight for one of its products, kept with it.
final class WinogradKernels: Derived {
  /// The product of each plane.
  enum Product {
    /// products[tile, o] = values[tile, phase, c] · kernels
    case outputs
    /// values[tile, phase, c] = gradients[tile, o] · kernels
    case inputGradients
  }

  private let scheme: WinogradScheme
  private let product: Product
  private let storage: Storage

  private init(_ weight: Tensor, _ scheme: WinogradScheme, _ product: Product) {
    self.scheme = scheme
    self.product = product
    let (outputs, inputs) = (weight.shape[0], weight.shape[3])
    storage = Storage(elementCount: scheme.products * outputs * inputs)
    let transform = scheme.transforms.kernels
    let layout = WinogradKernelLayout(
      outputs: outputs, inputs: inputs, isForOutputs: product == .outputs)
    layout.forEachPart { [storage] layout, range in
      transform(layout, weight.pointer, range.lowerBound, range.upperBound, storage.pointer)
    }
    extendLifetime(weight.storage)
  }

  static func of(_ weight: Tensor, _ scheme: WinogradScheme, for product: Product)
    -> WinogradKernels
  {
    weight.derived(where: { $0.product == product && $0.scheme.hasShape(of: scheme) }) {
      WinogradKernels(weight, scheme, product)
    }
  }

  /// The product of one plane: panel by panel, in parts that OpenBLAS multiplies as they lie in memory.
  /// At 64·512·512 that is 103 GFLOP/s instead of 75, and 105 instead of 87 at 256·256·256.
  func multiply(
    _ plane: WinogradPlane, count: Int, _ tiles: UnsafePointer<Float>,
    into results: UnsafeMutablePointer<Float>
  ) {
    let kernels = storage.pointer + plane.start * plane.outputs
    switch product {
    case .outputs:
      multiply(
        PlaneProduct(
          count: count, depth: plane.depth, width: plane.outputs, tiles: tiles, kernels: kernels,
          results: results, stride: plane.outputs))
    case .inputGradients:
      for phase in 0..<plane.depth / plane.inputs {
        multiply(
          PlaneProduct(
            count: count, depth: plane.outputs, width: plane.inputs, tiles: tiles,
            kernels: kernels + phase * plane.inputs * plane.outputs,
            results: results + phase * plane.inputs, stride: plane.depth))
      }
    }
  }

  private func multiply(_ product: PlaneProduct) {
    for panel in stride(from: 0, to: product.width, by: WinogradPanel) {
      let width = min(WinogradPanel, product.width - panel)
      for first in stride(from: 0, to: product.depth, by: PlaneProduct.longest) {
        let depth = min(PlaneProduct.longest, product.depth - first)
        let limit = max(1, PlaneProduct.unpacked / (depth * width))
        let parts = (product.count + limit - 1) / limit
        let step = (product.count + parts - 1) / parts
        for tile in stride(from: 0, to: product.count, by: step) {
          singleGemm(
            m: min(step, product.count - tile), n: width, k: depth,
            product.tiles + tile * product.depth + first, stride: product.depth,
            product.kernels + panel * product.depth + first * width, stride: width,
            beta: first == 0 ? 0 : 1,
            into: product.results + tile * product.stride + panel, stride: product.stride)
        }
      }
    }
  }
}

/// results[tile, width] = tiles[tile, depth] · kernels[depth, width], whose kernels lie in panels.
private struct PlaneProduct {
  let count: Int
  let depth: Int
  let width: Int
  let tiles: UnsafePointer<Float>
  let kernels: UnsafePointer<Float>
  let results: UnsafeMutablePointer<Float>
  /// From one tile's results to the next.
  let stride: Int

  /// The most multiplications for which OpenBLAS does not copy its operands first.
  static let unpacked = 1_000_000

  /// The most rows of a panel at a time, so that there are enough tiles, and sums of sums lose less.
  static let longest = 256
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
    let group = WinogradLanes
    Parallel.forRanges(outputs / group, grain: max(1, (1 << 13) / (group * inputs))) { range in
      withUnsafePointer(to: self) {
        body($0, range.lowerBound * group..<range.upperBound * group)
      }
    }
  }
}
