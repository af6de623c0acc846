/// 3x3 convolutions with a quarter of the multiplications of the direct ones, or little more than half
/// at stride 2.
enum WinogradConvolution<Scheme: WinogradScheme> {
  /// Whether a geometry is one that this algorithm is for and gains from: at least a fifth of the
  /// multiplications, padding included.
  static func applies(to geometry: ConvolutionGeometry) -> Bool {
    let (height, width) = (geometry.output.height, geometry.output.width)
    return geometry.kernel == 3 && geometry.dilation == 1 && geometry.groups == 1
      && geometry.stride == Size2D(height: Scheme.stride, width: Scheme.stride)
      && max(geometry.padding.height, geometry.padding.width) <= 2
      && geometry.inputs.isMultiple(of: Lanes.scalarCount)
      && geometry.outputs.isMultiple(of: Lanes.scalarCount)
      && Scheme.products * ((height + 3) / 4) * ((width + 3) / 4) <= 7 * height * width
  }

  static func forward(_ images: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry) -> Tensor
  {
    let tiles = WinogradTiles<Scheme>(geometry)
    let kernels = WinogradKernels<Scheme>.of(weight)
    defer { extendLifetime((images.storage, kernels)) }
    return Tensor(geometry.resultShape) { out in
      if tiles.areFewAndDeep {
        forwardByProducts(tiles, images.pointer, kernels, into: out)
      } else {
        forwardByTiles(tiles, images.pointer, kernels, into: out)
      }
    }
  }

  /// Blocks of tiles over the threads, each through all three stages while it is in the cache.
  private static func forwardByTiles(
    _ tiles: WinogradTiles<Scheme>, _ x: UnsafePointer<Float>, _ kernels: WinogradKernels<Scheme>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (step, planes) = (tiles.blockSize, tiles.planes)
    Parallel.workers((tiles.count + step - 1) / step) { _, next in
      let values = tiles.inputPlanes(capacity: step)
      let products = tiles.outputPlanes(capacity: step)
      while let block = next() {
        let range = block * step..<min(tiles.count, (block + 1) * step)
        tiles.transformInputs(x, tiles: range, into: values.beginning(at: range.lowerBound))
        for plane in planes {
          kernels.multiply(plane: plane, count: range.count, values: values, into: products)
        }
        tiles.transformProducts(
          products.beginning(at: range.lowerBound), tiles: range, into: out)
      }
      extendLifetime((values, products))
    }
  }

  /// Each stage for all tiles, the products over the threads: when the kernels are the larger part,
  /// every one of them is read once instead of once for each block.
  private static func forwardByProducts(
    _ tiles: WinogradTiles<Scheme>, _ x: UnsafePointer<Float>, _ kernels: WinogradKernels<Scheme>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let planes = tiles.planes
    let (values, products) = (tiles.transformedInputs(x), tiles.outputPlanes(capacity: tiles.count))
    Parallel.forEach(planes.count) { index in
      kernels.multiply(plane: planes[index], count: tiles.count, values: values, into: products)
    }
    tiles.forEachPart { range in tiles.transformProducts(products, tiles: range, into: out) }
    extendLifetime((values, products))
  }
}

extension WinogradTiles {
  /// The products of matrices, one for each point.
  var planes: [WinogradPlane] {
    (0..<Scheme.planes).map { WinogradPlane($0, of: Scheme.self, geometry) }
  }

  /// Room for the transformed inputs of some tiles.
  func inputPlanes(capacity: Int) -> TilePlanes {
    TilePlanes(capacity: capacity, size: inputSize)
  }

  /// Room for the products of some tiles.
  func outputPlanes(capacity: Int) -> TilePlanes {
    TilePlanes(capacity: capacity, size: outputSize)
  }

  /// The numbers that a tile's inputs become, and those of its products.
  private var inputSize: Int { Scheme.products * geometry.inputs }
  private var outputSize: Int { Scheme.planes * geometry.outputs }

  /// Whether the transformed kernels are larger than what the tiles transform to.
  var areFewAndDeep: Bool {
    count * (inputSize + outputSize) <= 4 * inputSize * geometry.outputs
  }

  /// Tiles in a block: what they transform to should stay in the second-level cache, but the
  /// products need enough rows to run at speed.
  var blockSize: Int {
    let threads = Threads.count
    let rounds = max(1, (count + wantedBlock * threads - 1) / (wantedBlock * threads))
    return max(1, (count + rounds * threads - 1) / (rounds * threads))
  }

  var wantedBlock: Int { min(max((1 << 19) / (inputSize + outputSize), 48), 256) }

  /// Calls `body` with parts of all tiles, on all threads.
  func forEachPart(_ body: (_ tiles: Range<Int>) -> Void) {
    let grain = max(1, (1 << 11) / (geometry.inputs + geometry.outputs))
    Parallel.forRanges(count, grain: grain, body)
  }

  /// Bᵀ d B for all tiles, on all threads.
  func transformedInputs(_ images: UnsafePointer<Float>) -> TilePlanes {
    let values = inputPlanes(capacity: count)
    forEachPart { range in transformInputs(images, tiles: range, into: values) }
    return values
  }

  /// A dy Aᵀ for all tiles, on all threads.
  func transformedGradients(_ gradient: UnsafePointer<Float>) -> TilePlanes {
    let values = outputPlanes(capacity: count)
    forEachPart { range in transformGradients(gradient, tiles: range, into: values) }
    return values
  }
}
