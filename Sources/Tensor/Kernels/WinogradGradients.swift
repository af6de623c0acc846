// The gradients by the transposes of the forward's matrices: with dm = A dy Aᵀ, transformed once,
// du = Σ over tiles of dm ⊙ (Bᵀ d B) gives dg = Gᵀ du G, and dv = dm ⊙ u gives dd = B dv Bᵀ.
extension WinogradConvolution {
  static func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, _ geometry: ConvolutionGeometry,
    wanted: (images: Bool, weight: Bool)
  ) -> (images: Tensor?, weight: Tensor?) {
    let pass = WinogradBackward(
      tiles: WinogradTiles(geometry), images: wanted.weight ? images : nil,
      kernels: wanted.images ? WinogradKernels.of(weight).byOutputs : nil, gradient: gradient)
    return pass.tiles.areFewAndDeep ? pass.byProducts() : pass.byTiles()
  }
}

/// One reverse pass through a convolution.
private struct WinogradBackward {
  let tiles: WinogradTiles
  /// The inputs of the convolution; nil if the kernels need no gradient.
  let images: Tensor?
  /// The transformed kernels; nil if the images need no gradient.
  let kernels: Storage?
  let gradient: Tensor

  private var geometry: ConvolutionGeometry { tiles.geometry }
  private var planeSize: Int { geometry.outputs * geometry.inputs }

  /// Blocks of tiles over the threads, each through all stages while it is in the cache.
  ///
  /// Each thread has its own images, for tiles overlap in them, and its own sum, so that a run can
  /// be repeated exactly.
  func byTiles() -> (images: Tensor?, weight: Tensor?) {
    let parts = min(Threads.count, geometry.count)
    let sums = images.map { _ in Storage(elementCount: parts * 36 * planeSize) }
    let result = kernels.map { _ in Tensor(geometry.imageShape) { _ in } }
    Parallel.forEach(parts) { part in
      let count = geometry.count
      walk(
        images: (count * part / parts)..<(count * (part + 1) / parts),
        sum: sums.map { $0.pointer + part * 36 * planeSize }, into: result)
    }
    extendLifetime(sums)
    let total = sums.map { sums in
      parts == 1
        ? Tensor(storage: sums, shape: [36 * planeSize])
        : reduced(Tensor(storage: sums, shape: [parts, 36 * planeSize]), over: [0], .sum)
    }
    return (result, total.map(kernelGradient))
  }

  /// The images of one thread, block after block.
  private func walk(images range: Range<Int>, sum: UnsafeMutablePointer<Float>?, into result: Tensor?)
  {
    let (inputs, outputs) = (geometry.inputs, geometry.outputs)
    let tilesPerImage = tiles.down * tiles.across
    let all = range.lowerBound * tilesPerImage..<range.upperBound * tilesPerImage
    let rounds = max(1, (all.count + tiles.wantedBlock - 1) / tiles.wantedBlock)
    let step = (all.count + rounds - 1) / rounds
    let values = Storage(elementCount: 36 * step * inputs)
    let gradients = Storage(elementCount: 36 * step * outputs)
    if let result {
      let imageSize = geometry.imageShape.elementCount / geometry.count
      result.storage.pointer.advanced(by: range.lowerBound * imageSize)
        .update(repeating: 0, count: range.count * imageSize)
    }
    for start in stride(from: all.lowerBound, to: all.upperBound, by: step) {
      let block = start..<min(all.upperBound, start + step)
      tiles.transformGradients(
        gradient.pointer, tiles: block, into: gradients.pointer, planeStride: step * outputs)
      if let images {
        tiles.transformInputs(
          images.pointer, tiles: block, into: values.pointer, planeStride: step * inputs)
      }
      for plane in 0..<36 {
        multiply(
          plane, count: block.count, gradients: gradients.pointer + plane * step * outputs,
          values: values.pointer + plane * step * inputs, sum: sum,
          beta: start == all.lowerBound ? 0 : 1)
      }
      if let result {
        tiles.scatterInputGradients(
          values.pointer, tiles: block, planeStride: step * inputs, addingTo: result.storage.pointer)
      }
    }
    extendLifetime((values, gradients))
  }

  /// Each stage for all tiles, the 36 products over the threads.
  func byProducts() -> (images: Tensor?, weight: Tensor?) {
    let (inputs, outputs, count) = (geometry.inputs, geometry.outputs, tiles.count)
    let values =
      images.map { tiles.transformedInputs($0.pointer) }
      ?? Storage(elementCount: 36 * count * inputs)
    let gradients = tiles.transformedGradients(gradient.pointer)
    let sums = images.map { _ in Storage(elementCount: 36 * planeSize) }
    Parallel.forEach(36) { plane in
      multiply(
        plane, count: count, gradients: gradients.pointer + plane * count * outputs,
        values: values.pointer + plane * count * inputs, sum: sums?.pointer, beta: 0)
    }
    let result = kernels.map { _ in
      Tensor(geometry.imageShape) { out in
        let (perImage, imageSize) = (count / geometry.count, geometry.imageShape.elementCount / geometry.count)
        Parallel.forRanges(geometry.count, grain: 1) { range in
          (out + range.lowerBound * imageSize).update(repeating: 0, count: range.count * imageSize)
          tiles.scatterInputGradients(
            values.pointer + range.lowerBound * perImage * inputs,
            tiles: range.lowerBound * perImage..<range.upperBound * perImage,
            planeStride: count * inputs, addingTo: out)
        }
      }
    }
    extendLifetime((values, gradients))
    return (result, sums.map { kernelGradient(Tensor(storage: $0, shape: [36 * planeSize])) })
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

  private func kernelGradient(_ sums: Tensor) -> Tensor {
    defer { extendLifetime(sums.storage) }
    return Tensor(geometry.weightShape) { out in
      winogradKernelGradient(
        sums.pointer, outputs: geometry.outputs, inputs: geometry.inputs, into: out)
    }
  }
}
