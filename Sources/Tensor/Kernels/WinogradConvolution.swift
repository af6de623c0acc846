/// 3x3 convolutions of stride 1 with a quarter of the multiplications of the direct ones.
enum WinogradConvolution {
  /// Whether a geometry is one that this algorithm is for and gains from.
  static func applies(to geometry: ConvolutionGeometry) -> Bool {
    geometry.kernel == 3 && geometry.stride == 1 && geometry.dilation == 1 && geometry.groups == 1
      && max(geometry.padding.height, geometry.padding.width) <= 2
      && geometry.inputs.isMultiple(of: Lanes.scalarCount)
      && geometry.outputs.isMultiple(of: Lanes.scalarCount)
      && min(geometry.output.height, geometry.output.width) >= 3
  }

  static func forward(_ images: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry) -> Tensor
  {
    let (tiles, kernels) = (WinogradTiles(geometry), WinogradKernels.of(weight))
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
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ kernels: WinogradKernels,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (inputs, outputs, step) = (tiles.geometry.inputs, tiles.geometry.outputs, tiles.blockSize)
    Parallel.workers((tiles.count + step - 1) / step) { _, next in
      let values = Storage(elementCount: 36 * step * inputs)
      let products = Storage(elementCount: 36 * step * outputs)
      while let block = next() {
        let range = block * step..<min(tiles.count, (block + 1) * step)
        tiles.transformInputs(x, tiles: range, into: values.pointer, planeStride: step * inputs)
        for plane in 0..<36 {
          kernels.multiply(
            plane: plane, count: range.count, inputs: inputs, outputs: outputs,
            values.pointer + plane * step * inputs, into: products.pointer + plane * step * outputs)
        }
        tiles.transformProducts(
          products.pointer, tiles: range, planeStride: step * outputs, into: out)
      }
    }
  }

  /// Each stage for all tiles, the 36 products over the threads: when the kernels are the larger
  /// part, every one of them is read once instead of once for each block.
  private static func forwardByProducts(
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ kernels: WinogradKernels,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (inputs, outputs, count) = (tiles.geometry.inputs, tiles.geometry.outputs, tiles.count)
    let values = tiles.transformedInputs(x)
    let products = Storage(elementCount: 36 * count * outputs)
    Parallel.forEach(36) { plane in
      kernels.multiply(
        plane: plane, count: count, inputs: inputs, outputs: outputs,
        values.pointer + plane * count * inputs, into: products.pointer + plane * count * outputs)
    }
    tiles.forEachPart { range in
      tiles.transformProducts(
        products.pointer + range.lowerBound * outputs, tiles: range, planeStride: count * outputs,
        into: out)
    }
    extendLifetime((values, products))
  }
}

extension WinogradTiles {
  /// Whether the transformed kernels are larger than what the tiles transform to.
  var areFewAndDeep: Bool {
    count * (geometry.inputs + geometry.outputs) <= 4 * geometry.inputs * geometry.outputs
  }

  /// Tiles in a block: what they transform to should stay in the second-level cache, but the
  /// products need enough rows to run at speed.
  var blockSize: Int {
    let threads = Threads.count
    let rounds = max(1, (count + wantedBlock * threads - 1) / (wantedBlock * threads))
    return max(1, (count + rounds * threads - 1) / (rounds * threads))
  }

  var wantedBlock: Int {
    min(max((1 << 18) / (36 * (geometry.inputs + geometry.outputs) / 2), 48), 256)
  }

  /// Calls `body` with parts of all tiles, on all threads.
  func forEachPart(_ body: (_ tiles: Range<Int>) -> Void) {
    let grain = max(1, (1 << 11) / (geometry.inputs + geometry.outputs))
    Parallel.forRanges(count, grain: grain, body)
  }

  /// values[36, tile, c] = Bᵀ d B for all tiles, on all threads.
  func transformedInputs(_ images: UnsafePointer<Float>) -> Storage {
    let inputs = geometry.inputs
    let values = Storage(elementCount: 36 * count * inputs)
    forEachPart { range in
      transformInputs(
        images, tiles: range, into: values.pointer + range.lowerBound * inputs,
        planeStride: count * inputs)
    }
    return values
  }

  /// values[36, tile, o] = A dy Aᵀ for all tiles, on all threads.
  func transformedGradients(_ gradient: UnsafePointer<Float>) -> Storage {
    let outputs = geometry.outputs
    let values = Storage(elementCount: 36 * count * outputs)
    forEachPart { range in
      transformGradients(
        gradient, tiles: range, into: values.pointer + range.lowerBound * outputs,
        planeStride: count * outputs)
    }
    return values
  }
}
