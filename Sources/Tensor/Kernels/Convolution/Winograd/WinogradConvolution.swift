internal import CTensorKernels

/// 3x3 convolutions with a fifth to a third of the direct ones' multiplications, at stride 2 little
/// more than half.
struct WinogradConvolution: ConvolutionImplementation {
  let tiles: WinogradTiles

  var geometry: ConvolutionGeometry { tiles.geometry }

  /// The cheapest scheme; nil if the geometry is unsupported or the saving is below 1/9 of the
  /// direct convolution's multiplications (5/9 if those are of bfloat16 and the scheme's are not, which
  /// take twice as long).
  ///
  /// Large tiles save up to a fifth of the multiplications and round three times as much: they are
  /// for training, which is recorded. What is measured, exported or compared has small ones. Numbers of
  /// 16 bits have no large ones.
  init?(_ geometry: ConvolutionGeometry, _ precision: MatmulPrecision, isRecorded: Bool) {
    let (inputs, outputs) = (geometry.groupInputs, geometry.groupOutputs)
    guard
      geometry.kernel == 3 && geometry.dilation == 1
        && max(geometry.padding.height, geometry.padding.width) <= 2
        && min(inputs, outputs) > 0
        && inputs.isMultiple(of: Int(CTKLaneCount)) && outputs.isMultiple(of: Int(CTKLaneCount))
        // The kernels of one of several groups are one panel.
        && (geometry.groups == 1 || max(inputs, outputs) <= Tuning.panelWidth)
    else { return nil }
    let isRounded =
      precision == .bfloat16 && min(inputs, outputs) >= Tuning.fewestRoundedChannels
      && inputs.isMultiple(of: Int(CTKWideLaneCount))
      && outputs.isMultiple(of: Int(CTKWideLaneCount))
    let schemes: [WinogradScheme] =
      switch geometry.stride {
      case 1 where isRounded: [.roundedThree, .roundedTwo]
      case 2 where isRounded: [.roundedStrideTwoOfThree]
      case 1: isRecorded ? [.ofFour, .ofFive, .ofSix, .ofThree] : [.ofFour, .ofThree]
      case 2: [.strideTwoOfFour, .strideTwoOfThree]
      default: []
      }
    let candidates = schemes.map { WinogradTiles(geometry, $0) }
    guard
      let tiles = candidates.min(by: { $0.cost < $1.cost }),
      tiles.cost <= (tiles.scheme.precision == precision ? 8 : 4) * geometry.rows
    else { return nil }
    self.tiles = tiles
  }

  func forward(
    _ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?, in format: NumberFormat
  ) -> Tensor {
    let weights = WinogradWeights.of(weight, tiles, for: .outputs)
    defer { extendLifetime((images.storage, weights)) }
    return Tensor(geometry.resultShape, format) { out in
      if tiles.parallelizesOverPoints {
        forwardByPoints(WinogradImages(images), weights, epilogue, into: out)
      } else {
        forwardByTiles(WinogradImages(images), weights, epilogue, into: out)
      }
    }
  }

  /// Blocks of tiles over the threads, each through all three stages while it is in the cache.
  private func forwardByTiles(
    _ x: WinogradImages, _ weights: WinogradWeights, _ epilogue: ConvolutionEpilogue?,
    into out: MutableNumbers
  ) {
    let (step, points) = (tiles.blockSize, tiles.points)
    Parallel.workers((tiles.count + step - 1) / step) { _, next in
      let values = tiles.inputPlanes(capacity: step)
      let products = tiles.outputPlanes(capacity: step)
      while let block = next() {
        let range = block * step..<min(tiles.count, (block + 1) * step)
        tiles.transformInputs(x, tiles: range, into: values.beginning(at: range.lowerBound))
        for point in points {
          weights.multiply(
            point, values.inputs(point).view(rows: range.count), into: products.outputs(point))
        }
        tiles.transformProducts(
          products.beginning(at: range.lowerBound), tiles: range, epilogue, into: out)
      }
      extendLifetime((values, products))
    }
  }

  /// Each stage for all tiles, points over the threads: where weights are larger than values, it
  /// pays to read them once instead of once for each block.
  private func forwardByPoints(
    _ x: WinogradImages, _ weights: WinogradWeights, _ epilogue: ConvolutionEpilogue?,
    into out: MutableNumbers
  ) {
    let points = tiles.points
    let (values, products) = (tiles.transformedInputs(x), tiles.outputPlanes(capacity: tiles.count))
    Parallel.forEach(points.count) { index in
      let point = points[index]
      weights.multiply(
        point, values.inputs(point).view(rows: tiles.count), into: products.outputs(point))
    }
    tiles.forEachPart { range in
      tiles.transformProducts(products, tiles: range, epilogue, into: out)
    }
    extendLifetime((values, products))
  }
}

extension WinogradTiles {
  /// The points of both axes, each with a product of matrices of its own.
  var points: [WinogradPoint] {
    (0..<scheme.planes).map { WinogradPoint($0, of: scheme, geometry) }
  }

  /// Room for the transformed inputs of some tiles.
  func inputPlanes(capacity: Int) -> WinogradBuffer {
    WinogradBuffer(
      capacity: capacity, count: scheme.elementCount(capacity * geometry.inputs), scheme.format)
  }

  /// Room for the products of some tiles.
  func outputPlanes(capacity: Int) -> WinogradBuffer {
    WinogradBuffer(
      capacity: capacity,
      count: ctk_winograd_plane(
        scheme.transforms.format, scheme.points, scheme.points, 0, capacity * geometry.outputs),
      scheme.format)
  }

  /// The numbers of a tile's transformed inputs, and those of its products.
  private var inputSize: Int { scheme.products * geometry.inputs }
  private var outputSize: Int { scheme.planes * geometry.outputs }

  /// The numbers of all transformed kernels.
  private var weightSize: Int { scheme.products * kernelSize }

  /// Whether threads share out points instead of tiles: where the transformed weights are larger
  /// than the transformed tiles.
  var parallelizesOverPoints: Bool {
    count * (inputSize + outputSize) <= 4 * weightSize
  }

  /// Tiles in a block: transformed they should stay in the second-level cache, but products need
  /// enough rows for full speed.
  var blockSize: Int { Parts.blockSize(count, wanted: wantedBlock, least: Self.leastBlock) }

  var wantedBlock: Int { min(max((1 << 19) / (inputSize + outputSize), Self.leastBlock), 256) }

  private static let leastBlock = 48

  /// The parts of the images in a reverse pass, each with its own sum of the weight's gradient.
  var gradientParts: Int {
    guard !parallelizesOverPoints else { return 1 }
    let parts = Parts.ofSum(
      over: count, least: Self.leastBlock,
      size: weightSize,
      reading: count * (inputSize + outputSize))
    return max(1, min(geometry.count, parts))
  }

  /// Calls `body` with parts of all tiles, on all threads.
  func forEachPart(_ body: (_ tiles: Range<Int>) -> Void) {
    let grain = max(1, (1 << 11) / (geometry.inputs + geometry.outputs))
    Parallel.forRanges(count, grain: grain, body)
  }

  /// Bᵀ d B for all tiles, on all threads.
  func transformedInputs(_ images: WinogradImages) -> WinogradBuffer {
    let values = inputPlanes(capacity: count)
    forEachPart { range in transformInputs(images, tiles: range, into: values) }
    return values
  }

  /// A dy Aᵀ for all tiles, on all threads.
  func transformedGradients(_ gradient: Numbers) -> WinogradBuffer {
    let values = outputPlanes(capacity: count)
    forEachPart { range in transformGradients(gradient, tiles: range, into: values) }
    return values
  }
}
