internal import CTensorKernels

/// The transformed kernels G g Gᵀ of a weight, packed for one of its products and cached with it.
final class WinogradWeights: Packing {
  struct Key: Equatable {
    let product: WeightProduct
    let stride: Int
    let extent: Int
    let format: NumberFormat
    /// That of the weight: a part of a weight shares its storage.
    let shape: TensorShape
  }

  let key: Key
  private let storage: Storage

  private init(_ weight: Tensor, _ scheme: WinogradScheme, _ key: Key) {
    self.key = key
    let (outputs, inputs) = (weight.shape[0], weight.shape[3])
    storage = Storage(
      elementCount: scheme.format.floatCount(scheme.elementCount(outputs * inputs)))
    let transform = scheme.transforms.weights
    let layout = CTKWinogradWeightLayout(
      outputs: outputs, inputs: inputs, panel: Tuning.panelWidth,
      isForOutputs: key.product == .outputs)
    layout.forEachPart { [storage] range in
      transform(layout, weight.pointer, range.lowerBound, range.upperBound, storage.pointer)
    }
    extendLifetime(weight.storage)
  }

  static func of(_ weight: Tensor, _ scheme: WinogradScheme, for product: WeightProduct)
    -> WinogradWeights
  {
    let key = Key(
      product: product, stride: scheme.stride, extent: scheme.extent, format: scheme.format,
      shape: weight.shape)
    return weight.cached(key) { WinogradWeights(weight, scheme, key) }
  }

  /// The product at one point: products[tile, o] = values[tile, phase, c] · kernels, or
  /// values[tile, phase, c] = gradients[tile, o] · kernels.
  func multiply(_ point: WinogradPoint, _ tiles: MatrixView, into results: MatrixDestination) {
    defer { extendLifetime(self) }
    func matrix(_ start: Int, rows: Int, columns: Int) -> PackedMatrix {
      PackedMatrix(
        storage.pointer + key.format.floatCount(point.kernels + start), rows: rows,
        columns: columns, point.precision, longestSum: Tuning.longestSumOfTransformed)
    }
    switch key.product {
    case .outputs: gemm(tiles, matrix(0, rows: point.depth, columns: point.outputs), into: results)
    case .inputGradients:
      for phase in stride(from: 0, to: point.depth, by: point.inputs) {
        gemm(
          tiles, matrix(phase * point.outputs, rows: point.outputs, columns: point.inputs),
          into: results.from(column: phase))
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
  /// That of the product.
  var precision: MatmulPrecision { scheme.precision }

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
    ctk_winograd_phase_plane(
      scheme.transforms.format, scheme.stride, scheme.points, row, column, size)
  }

  /// Where the plane begins, for planes of `size` numbers.
  func plane(_ size: Int) -> Int {
    ctk_winograd_plane(scheme.transforms.format, scheme.points, row, column, size)
  }
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
