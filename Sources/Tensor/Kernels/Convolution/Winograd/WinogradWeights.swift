internal import CTensorKernels

/// The transformed kernels G g Gᵀ of a weight, packed for one of its products and cached with it.
final class WinogradWeights: Packing {
  struct Key: Equatable {
    let product: WeightProduct
    let stride: Int
    let extent: Int
    let format: NumberFormat
    let groups: Int
    /// That of the weight: a part of a weight shares its storage.
    let shape: TensorShape
  }

  let key: Key
  private let storage: Storage

  private init(_ weight: Tensor, _ tiles: WinogradTiles, _ key: Key) {
    self.key = key
    let (scheme, geometry) = (tiles.scheme, tiles.geometry)
    storage = Storage(
      elementCount: scheme.format.floatCount(scheme.elementCount(tiles.kernelSize)))
    let transform = scheme.transforms.weights
    let isForOutputs = key.product == .outputs
    // Each of several groups is a panel.
    let ofGroup = isForOutputs ? geometry.groupOutputs : geometry.groupInputs
    let layout = CTKWinogradWeightLayout(
      outputs: geometry.outputs, inputs: geometry.groupInputs,
      panel: geometry.groups == 1 ? Tuning.panelWidth : ofGroup, isForOutputs: isForOutputs)
    layout.forEachPart { [storage] range in
      transform(layout, weight.pointer, range.lowerBound, range.upperBound, storage.pointer)
    }
    extendLifetime(weight.storage)
  }

  static func of(_ weight: Tensor, _ tiles: WinogradTiles, for product: WeightProduct)
    -> WinogradWeights
  {
    let scheme = tiles.scheme
    let key = Key(
      product: product, stride: scheme.stride, extent: scheme.extent, format: scheme.format,
      groups: tiles.geometry.groups, shape: weight.shape)
    return weight.cached(key) { WinogradWeights(weight, tiles, key) }
  }

  /// The product at one point: products[tile, o] = values[tile, phase, c] · kernels, or
  /// values[tile, phase, c] = gradients[tile, o] · kernels.
  func multiply(_ point: WinogradPoint, _ tiles: MatrixView, into results: MatrixDestination) {
    defer { extendLifetime(self) }
    func matrix(_ start: Int, rows: Int, columns: Int) -> PackedMatrix {
      PackedMatrix(
        storage.pointer + key.format.floatCount(point.kernels + start), rows: rows,
        columns: columns, point.precision)
    }
    point.forEachPart(byPhase: key.product == .inputGradients) { part in
      let (inputs, outputs) = (part.inputs, part.outputs)
      switch key.product {
      case .outputs:
        gemm(
          tiles.columns(inputs),
          matrix(part.forOutputs, rows: inputs.count, columns: outputs.count),
          accumulating: part.phase > 0, into: results.from(column: outputs.lowerBound))
      case .inputGradients:
        gemm(
          tiles.columns(outputs),
          matrix(part.forInputGradients, rows: outputs.count, columns: inputs.count),
          into: results.from(column: inputs.lowerBound))
      }
    }
  }
}

/// One point of both axes, with a product of matrices of its own.
struct WinogradPoint {
  private let scheme: WinogradScheme
  private let row: Int
  private let column: Int
  /// The channels of all groups.
  let inputs: Int
  let outputs: Int
  private let groups: Int
  /// That of the product.
  var precision: MatmulPrecision { scheme.precision }

  init(_ index: Int, of scheme: WinogradScheme, _ geometry: ConvolutionGeometry) {
    self.scheme = scheme
    (row, column) = index.quotientAndRemainder(dividingBy: scheme.points)
    inputs = geometry.inputs
    outputs = geometry.outputs
    groups = geometry.groups
  }

  private var phases: Int { scheme.phases(at: row) * scheme.phases(at: column) }

  /// The inputs of all phases at this point.
  var depth: Int { phases * inputs }

  /// Those of a group: the terms of the forward product's sums.
  var groupDepth: Int { depth / groups }

  /// Where the kernels begin.
  var kernels: Int { phasePlane(outputs * inputs / groups) }

  /// Calls `body` for each group and, where there are several or each phase has a product of its own,
  /// each phase.
  @inline(__always)
  func forEachPart(byPhase: Bool, _ body: (WinogradPart) -> Void) {
    let (inputs, outputs) = (self.inputs / groups, self.outputs / groups)
    let isWhole = groups == 1 && !byPhase
    for group in 0..<groups {
      for phase in 0..<(isWhole ? 1 : phases) {
        let first = phase * self.inputs + group * inputs
        body(
          WinogradPart(
            phase: phase, inputs: first..<first + (isWhole ? depth : inputs),
            outputs: group * outputs..<(group + 1) * outputs,
            forOutputs: (group * phases + phase) * inputs * outputs,
            forInputGradients: (phase * self.outputs + group * outputs) * inputs,
            gradients: group * outputs * groupDepth + phase * inputs))
      }
    }
  }

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

/// The inputs and outputs of one product of a point.
struct WinogradPart {
  let phase: Int
  /// Columns of the inputs of all phases.
  let inputs: Range<Int>
  let outputs: Range<Int>
  /// Where the kernels begin among those of a point, by the product for which they are packed.
  let forOutputs: Int
  let forInputGradients: Int
  /// Where their gradients begin.
  let gradients: Int
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
