// The gradients by the transposes of the forward's matrices: with dm = A dy Aᵀ, transformed once,
// du = Σ over tiles of dm ⊙ (Bᵀ d B) gives dg = Gᵀ du G, and dv = dm ⊙ u gives dd = B dv Bᵀ.
extension WinogradConvolution {
  static func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, _ geometry: ConvolutionGeometry,
    wanted: (images: Bool, weight: Bool)
  ) -> (images: Tensor?, weight: Tensor?) {
    let tiles = WinogradTiles(geometry)
    let planeSize = 36 * geometry.outputs * geometry.inputs
    let parts = tiles.areFewAndDeep ? 1 : min(Threads.count, geometry.count)
    let sums = wanted.weight ? Storage(elementCount: parts * planeSize) : nil
    func run(into result: UnsafeMutablePointer<Float>?) {
      let pass = WinogradBackward(
        tiles: tiles, gradient: gradient.pointer, images: wanted.weight ? images.pointer : nil,
        kernels: wanted.images ? WinogradKernels.of(weight).byOutputs : nil, sums: sums?.pointer,
        result: result)
      if tiles.areFewAndDeep { pass.byProducts() } else { pass.byTiles(parts: parts) }
      extendLifetime((images.storage, gradient.storage))
    }
    var result: Tensor?
    if wanted.images {
      result = Tensor(geometry.imageShape) { run(into: $0) }
    } else {
      run(into: nil)
    }
    return (
      result,
      sums.map { sums in
        let sums = Tensor(storage: sums, shape: [parts, planeSize])
        return kernelGradient(parts == 1 ? sums : reduced(sums, over: [0], .sum), geometry)
      }
    )
  }

  static func inputGradient(_ gradient: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry)
    -> Tensor
  {
    gradients(gradient, weight, gradient, geometry, wanted: (true, false)).images ?? gradient
  }

  private static func kernelGradient(_ sums: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
    defer { extendLifetime(sums.storage) }
    return Tensor(geometry.weightShape) { out in
      winogradKernelGradient(
        sums.pointer, outputs: geometry.outputs, inputs: geometry.inputs, into: out)
    }
  }
}

/// One reverse pass through a convolution.
private struct WinogradBackward {
  let tiles: WinogradTiles
  let gradient: UnsafePointer<Float>
  /// The inputs of the convolution; nil if the kernels need no gradient.
  let images: UnsafePointer<Float>?
  /// The transformed kernels; nil if the images need no gradient.
  let kernels: Storage?
  /// A gradient of the transformed kernels for each part of the images.
  let sums: UnsafeMutablePointer<Float>?
  /// The gradient of the images.
  let result: UnsafeMutablePointer<Float>?

  private var geometry: ConvolutionGeometry { tiles.geometry }
  private var planeSize: Int { geometry.outputs * geometry.inputs }
  private var tilesPerImage: Int { tiles.down * tiles.across }

  /// Blocks of tiles over the threads, each through all stages while it is in the cache.
  ///
  /// Each thread has its own images, for tiles overlap in them, and its own sum, so that a run can
  /// be repeated exactly.
  func byTiles(parts: Int) {
    Parallel.forEach(parts) { part in
      walk(
        images: (geometry.count * part / parts)..<(geometry.count * (part + 1) / parts),
        sum: sums.map { $0 + part * 36 * planeSize })
    }
  }

  /// The images of one thread, block after block.
  private func walk(images range: Range<Int>, sum: UnsafeMutablePointer<Float>?) {
    let (inputs, outputs) = (geometry.inputs, geometry.outputs)
    let all = range.lowerBound * tilesPerImage..<range.upperBound * tilesPerImage
    let rounds = max(1, (all.count + tiles.wantedBlock - 1) / tiles.wantedBlock)
    let step = (all.count + rounds - 1) / rounds
    let values = Storage(elementCount: 36 * step * inputs)
    let gradients = Storage(elementCount: 36 * step * outputs)
    clear(range)
    for start in stride(from: all.lowerBound, to: all.upperBound, by: step) {
      let block = start..<min(all.upperBound, start + step)
      tiles.transformGradients(
        gradient, tiles: block, into: gradients.pointer, planeStride: step * outputs)
      if let images {
        tiles.transformInputs(
          images, tiles: block, into: values.pointer, planeStride: step * inputs)
      }
      for plane in 0..<36 {
        multiply(
          plane, count: block.count, gradients: gradients.pointer + plane * step * outputs,
          values: values.pointer + plane * step * inputs, sum: sum,
          beta: start == all.lowerBound ? 0 : 1)
      }
      if let result {
        tiles.scatterInputGradients(
          values.pointer, tiles: block, planeStride: step * inputs, addingTo: result)
      }
    }
    extendLifetime((values, gradients))
  }

  /// Each stage for all tiles, the 36 products over the threads.
  func byProducts() {
    let (inputs, outputs, count) = (geometry.inputs, geometry.outputs, tiles.count)
    let values =
      images.map { tiles.transformedInputs($0) } ?? Storage(elementCount: 36 * count * inputs)
    let gradients = tiles.transformedGradients(gradient)
    Parallel.forEach(36) { plane in
      multiply(
        plane, count: count, gradients: gradients.pointer + plane * count * outputs,
        values: values.pointer + plane * count * inputs, sum: sums, beta: 0)
    }
    if let result {
      Parallel.forRanges(geometry.count, grain: 1) { range in
        clear(range)
        tiles.scatterInputGradients(
          values.pointer + range.lowerBound * tilesPerImage * inputs,
          tiles: range.lowerBound * tilesPerImage..<range.upperBound * tilesPerImage,
          planeStride: count * inputs, addingTo: result)
      }
    }
    extendLifetime((values, gradients))
  }

  /// du[o, c] (+)= dmᵀ · v and then, in v's place, dv[tile, c] = dm · u, of one plane.
  private func multiply(
    _ plane: Int, count: Int, gradients: UnsafeMutablePointer<Float>,
    values: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Float>?, beta: Float
  ) {
    let (inputs, outputs) = (geometry.inputs, geometry.outputs)
    if let sum {
      singleGemm(
        m: outputs, n: inputs, k: count, gradients, stride: outputs, transposingA: true, values,
        stride: inputs, beta: beta, into: sum + plane * planeSize, stride: inputs)
    }
    if let kernels {
      singleGemm(
        m: count, n: inputs, k: outputs, gradients, stride: outputs,
        kernels.pointer + plane * planeSize, stride: inputs, into: values, stride: inputs)
    }
  }

  /// The gradient of images that a thread is about to add to.
  private func clear(_ images: Range<Int>) {
    let size = geometry.input.height * geometry.input.width * geometry.inputs
    result.map { ($0 + images.lowerBound * size).update(repeating: 0, count: images.count * size) }
  }
}
