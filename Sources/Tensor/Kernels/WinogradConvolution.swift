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
    defer { extendLifetime((images.storage, weight.storage)) }
    let (tiles, x) = (WinogradTiles(geometry), images.pointer)
    let kernels = Storage(elementCount: 36 * geometry.outputs * geometry.inputs)
    winogradKernels(
      weight.pointer, outputs: geometry.outputs, inputs: geometry.inputs, into: kernels.pointer)
    return Tensor(geometry.resultShape) { out in
      if tiles.areFewAndDeep {
        forwardByProducts(tiles, x, kernels.pointer, into: out)
      } else {
        forwardByTiles(tiles, x, kernels.pointer, into: out)
      }
      extendLifetime(kernels)
    }
  }

  /// Blocks of tiles over the threads, each through all three stages while it is in the cache.
  private static func forwardByTiles(
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ kernels: UnsafePointer<Float>,
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
          singleGemm(
            m: range.count, n: outputs, k: inputs, values.pointer + plane * step * inputs,
            stride: inputs, kernels + plane * outputs * inputs, stride: inputs, transposingB: true,
            into: products.pointer + plane * step * outputs, stride: outputs)
        }
        tiles.transformProducts(
          products.pointer, tiles: range, planeStride: step * outputs, into: out)
      }
    }
  }

  /// Each stage for all tiles, the 36 products over the threads: when the kernels are the larger
  /// part, every one of them is read once instead of once for each block.
  private static func forwardByProducts(
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ kernels: UnsafePointer<Float>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (inputs, outputs, count) = (tiles.geometry.inputs, tiles.geometry.outputs, tiles.count)
    let values = transformedInputs(tiles, x)
    let products = Storage(elementCount: 36 * count * outputs)
    Parallel.forEach(36) { plane in
      singleGemm(
        m: count, n: outputs, k: inputs, values.pointer + plane * count * inputs, stride: inputs,
        kernels + plane * outputs * inputs, stride: inputs, transposingB: true,
        into: products.pointer + plane * count * outputs, stride: outputs)
    }
    tiles.forEachPart { range in
      tiles.transformProducts(
        products.pointer + range.lowerBound * outputs, tiles: range, planeStride: count * outputs,
        into: out)
    }
    extendLifetime((values, products))
  }

  private static func transformedInputs(_ tiles: WinogradTiles, _ x: UnsafePointer<Float>)
    -> Storage
  {
    let inputs = tiles.geometry.inputs
    let values = Storage(elementCount: 36 * tiles.count * inputs)
    tiles.forEachPart { range in
      tiles.transformInputs(
        x, tiles: range, into: values.pointer + range.lowerBound * inputs,
        planeStride: tiles.count * inputs)
    }
    return values
  }

  /// A convolution of the gradient with the kernels turned and transposed.
  static func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    let turned = permutedCopy(flippedCopy(weight, [1, 2]), [3, 1, 2, 0])
    let transposed = ConvolutionGeometry(
      images: gradient.shape, weight: turned.shape, stride: 1,
      padding: Size2D(
        height: 2 - geometry.padding.height, width: 2 - geometry.padding.width),
      dilation: 1, groups: 1)
    return forward(gradient, turned, transposed)
  }

  /// Gᵀ (Σ over tiles of (A dy Aᵀ) ⊙ (Bᵀ d B)) G
  static func weightGradient(
    _ images: Tensor, _ gradient: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    defer { extendLifetime((images.storage, gradient.storage)) }
    let (tiles, x, dy) = (WinogradTiles(geometry), images.pointer, gradient.pointer)
    let sums =
      tiles.areFewAndDeep
      ? kernelGradientByProducts(tiles, x, dy) : kernelGradientByTiles(tiles, x, dy)
    return Tensor(geometry.weightShape) { out in
      winogradKernelGradient(
        sums.pointer, outputs: geometry.outputs, inputs: geometry.inputs, into: out)
      extendLifetime(sums)
    }
  }

  /// A sum for each thread over a fixed share of the tiles, so that a run can be repeated exactly.
  private static func kernelGradientByTiles(
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>
  ) -> Tensor {
    let (inputs, outputs) = (tiles.geometry.inputs, tiles.geometry.outputs)
    let (step, size) = (tiles.blockSize, 36 * outputs * inputs)
    let parts = min(Threads.count, (tiles.count + step - 1) / step)
    let sums = Tensor([parts, size]) { out in
      Parallel.forEach(parts) { part in
        let share = (tiles.count * part / parts)..<(tiles.count * (part + 1) / parts)
        let values = Storage(elementCount: 36 * step * inputs)
        let gradients = Storage(elementCount: 36 * step * outputs)
        for start in stride(from: share.lowerBound, to: share.upperBound, by: step) {
          let range = start..<min(share.upperBound, start + step)
          tiles.transformInputs(x, tiles: range, into: values.pointer, planeStride: step * inputs)
          tiles.transformGradients(
            dy, tiles: range, into: gradients.pointer, planeStride: step * outputs)
          for plane in 0..<36 {
            singleGemm(
              m: outputs, n: inputs, k: range.count, gradients.pointer + plane * step * outputs,
              stride: outputs, transposingA: true, values.pointer + plane * step * inputs,
              stride: inputs, beta: start == share.lowerBound ? 0 : 1,
              into: out + part * size + plane * outputs * inputs, stride: inputs)
          }
        }
        extendLifetime((values, gradients))
      }
    }
    return parts == 1 ? sums : reduced(sums, over: [0], .sum)
  }

  private static func kernelGradientByProducts(
    _ tiles: WinogradTiles, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>
  ) -> Tensor {
    let (inputs, outputs, count) = (tiles.geometry.inputs, tiles.geometry.outputs, tiles.count)
    let values = transformedInputs(tiles, x)
    let gradients = Storage(elementCount: 36 * count * outputs)
    tiles.forEachPart { range in
      tiles.transformGradients(
        dy, tiles: range, into: gradients.pointer + range.lowerBound * outputs,
        planeStride: count * outputs)
    }
    return Tensor([36, outputs * inputs]) { out in
      Parallel.forEach(36) { plane in
        singleGemm(
          m: outputs, n: inputs, k: count, gradients.pointer + plane * count * outputs,
          stride: outputs, transposingA: true, values.pointer + plane * count * inputs,
          stride: inputs, into: out + plane * outputs * inputs, stride: inputs)
      }
      extendLifetime((values, gradients))
    }
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
    let fitting = (1 << 18) / (36 * (geometry.inputs + geometry.outputs) / 2)
    let wanted = min(max(fitting, 48), 256)
    let threads = Threads.count
    let rounds = max(1, (count + wanted * threads - 1) / (wanted * threads))
    return max(1, (count + rounds * threads - 1) / (rounds * threads))
  }

  /// Calls `body` with parts of all tiles, on all threads.
  func forEachPart(_ body: (_ tiles: Range<Int>) -> Void) {
    let grain = max(1, (1 << 11) / (geometry.inputs + geometry.outputs))
    Parallel.forRanges(count, grain: grain, body)
  }
}
