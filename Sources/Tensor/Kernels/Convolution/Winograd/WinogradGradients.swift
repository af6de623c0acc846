internal import CTensorKernels

// The gradients by the transposes of the forward's matrices: with dm = A dy Aᵀ, transformed once,
// du = Σ over tiles of dm ⊙ (Bᵀ d B) gives dg = Gᵀ du G, and dv = dm ⊙ u gives dd = B dv Bᵀ.
extension WinogradConvolution {
  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo _: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    let size = tiles.scheme.elementCount(geometry.outputs * geometry.inputs)
    let parts = tiles.parallelizesOverPoints ? 1 : min(Threads.count, geometry.count)
    let sums = wanted.weight ? Storage(elementCount: parts * size) : nil
    func run(into result: UnsafeMutablePointer<Float>?) {
      let pass = WinogradBackward(
        tiles: tiles, gradient: gradient.pointer, images: wanted.weight ? images.pointer : nil,
        kernels: wanted.images
          ? WinogradWeights.of(weight, tiles.scheme, for: .inputGradients) : nil,
        sums: sums?.pointer, result: result)
      if tiles.parallelizesOverPoints { pass.byProducts() } else { pass.byTiles(parts: parts) }
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
        let sums = Tensor(storage: sums, shape: [parts, size])
        return kernelGradient(parts == 1 ? sums : reduced(sums, over: [0], .sum))
      }
    )
  }

  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    var sum: Tensor?
    return gradients(gradient, weight, gradient, wanted: (true, false), addingTo: &sum).images
      ?? gradient
  }

  private func kernelGradient(_ sums: Tensor) -> Tensor {
    let transform = tiles.scheme.transforms.weightGradients
    let layout = CTKWinogradWeightLayout(
      outputs: geometry.outputs, inputs: geometry.inputs, panel: panelWidth, isForOutputs: false)
    defer { extendLifetime(sums.storage) }
    return Tensor(geometry.weightShape) { out in
      layout.forEachPart { range in
        transform(layout, sums.pointer, range.lowerBound, range.upperBound, out)
      }
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
  let kernels: WinogradWeights?
  /// A gradient of the transformed kernels for each part of the images.
  let sums: UnsafeMutablePointer<Float>?
  /// The gradient of the images.
  let result: UnsafeMutablePointer<Float>?

  private var geometry: ConvolutionGeometry { tiles.geometry }
  private var tilesPerImage: Int { tiles.down * tiles.across }

  /// Blocks of tiles over the threads, each through all stages while it is in the cache.
  ///
  /// Each thread has its own images, for tiles overlap in them, and its own sum, so that a run can
  /// be repeated exactly.
  func byTiles(parts: Int) {
    let size = tiles.scheme.elementCount(geometry.outputs * geometry.inputs)
    Parallel.forEach(parts) { part in
      walk(
        images: (geometry.count * part / parts)..<(geometry.count * (part + 1) / parts),
        sum: sums.map { $0 + part * size })
    }
  }

  /// The images of one thread, block after block.
  private func walk(images range: Range<Int>, sum: UnsafeMutablePointer<Float>?) {
    let all = range.lowerBound * tilesPerImage..<range.upperBound * tilesPerImage
    let rounds = max(1, (all.count + tiles.wantedBlock - 1) / tiles.wantedBlock)
    let step = (all.count + rounds - 1) / rounds
    let planes = tiles.planes
    let (inputRoom, outputRoom) = (
      tiles.inputPlanes(capacity: step), tiles.outputPlanes(capacity: step)
    )
    clear(range)
    for start in stride(from: all.lowerBound, to: all.upperBound, by: step) {
      let block = start..<min(all.upperBound, start + step)
      let (values, gradients) = (inputRoom.beginning(at: start), outputRoom.beginning(at: start))
      tiles.transformGradients(gradient, tiles: block, into: gradients)
      if let images { tiles.transformInputs(images, tiles: block, into: values) }
      for plane in planes {
        multiply(
          plane, count: block.count, gradients: gradients, values: values, sum: sum,
          beta: start == all.lowerBound ? 0 : 1)
      }
      if let result { tiles.scatterInputGradients(values, tiles: block, into: result) }
    }
    extendLifetime((inputRoom, outputRoom))
  }

  /// Each stage for all tiles, the products over the threads.
  func byProducts() {
    let (count, planes) = (tiles.count, tiles.planes)
    let values = images.map { tiles.transformedInputs($0) } ?? tiles.inputPlanes(capacity: count)
    let gradients = tiles.transformedGradients(gradient)
    Parallel.forEach(planes.count) { index in
      multiply(
        planes[index], count: count, gradients: gradients, values: values, sum: sums, beta: 0)
    }
    if let result {
      Parallel.forRanges(geometry.count, grain: 1) { range in
        clear(range)
        tiles.scatterInputGradients(
          values, tiles: range.lowerBound * tilesPerImage..<range.upperBound * tilesPerImage,
          into: result)
      }
    }
    extendLifetime((values, gradients))
  }

  /// du[o, c] (+)= dmᵀ · v and then, in v's place, dv[tile, c] = dm · u, of one plane.
  private func multiply(
    _ plane: WinogradPoint, count: Int, gradients: WinogradBuffer, values: WinogradBuffer,
    sum: UnsafeMutablePointer<Float>?, beta: Float
  ) {
    let (outputs, depth) = (plane.outputs, plane.depth)
    let (dm, v) = (gradients.outputs(plane), values.inputs(plane))
    if let sum {
      transposedGemm(
        m: outputs, n: depth, k: count, dm, stride: outputs, v, stride: depth, beta: beta,
        into: sum + plane.kernels, stride: depth)
    }
    kernels?.multiply(plane, count: count, dm, into: v)
  }

  /// Gradients of images in which some pixels are in no tile.
  private func clear(_ images: Range<Int>) {
    guard !tiles.coversEveryPixel else { return }
    let size = geometry.input.height * geometry.input.width * geometry.inputs
    result.map { ($0 + images.lowerBound * size).update(repeating: 0, count: images.count * size) }
  }
}
