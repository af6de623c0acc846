internal import CTensorKernels

// The gradients by the transposes of the forward's matrices: with dm = A dy Aᵀ, transformed once,
// du = Σ over tiles of dm ⊙ (Bᵀ d B) gives dg = Gᵀ du G, and dv = dm ⊙ u gives dd = B dv
// Bᵀ.
extension WinogradConvolution {
  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    let size = tiles.scheme.elementCount(tiles.kernelSize)
    let parts = tiles.gradientParts
    let sums = wanted.weight ? Storage(elementCount: parts * size) : nil
    let format = images.format
    let inputs = wanted.weight ? images : nil
    var result: Tensor?
    func run(into images: MutableNumbers?, accumulating: Bool = false) {
      self.run(
        gradient, images: inputs, weight: images == nil ? nil : weight, parts: parts, sums: sums,
        accumulating: accumulating, into: images)
    }
    if !wanted.images {
      run(into: nil)
    } else if var total = sum, total.format == format {
      sum = nil
      total.mutateNumbers { run(into: $0, accumulating: true) }
      result = total
    } else {
      result = Tensor(geometry.imageShape, format) { run(into: $0) }
    }
    return (
      result,
      sums.map { sums in
        let sums = Tensor(storage: sums, shape: [parts, size])
        return weightGradient(parts == 1 ? sums : reduced(sums, over: [0], .sum))
      }
    )
  }

  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    Tensor(geometry.imageShape, .float32) {
      run(
        gradient, images: nil, weight: weight, parts: tiles.gradientParts, sums: nil,
        accumulating: false, into: $0)
    }
  }

  /// One reverse pass: without images there is no gradient of the weight, without a weight none of
  /// the images.
  private func run(
    _ gradient: Tensor, images: Tensor?, weight: Tensor?, parts: Int, sums: Storage?,
    accumulating: Bool, into result: MutableNumbers?
  ) {
    let pass = WinogradBackward(
      tiles: tiles, gradient: gradient.numbers, images: images.map { WinogradImages($0) },
      weights: weight.map { WinogradWeights.of($0, tiles, for: .inputGradients) },
      sums: sums?.pointer, result: result, accumulates: accumulating)
    if tiles.parallelizesOverPoints { pass.byPoints() } else { pass.byTiles(parts: parts) }
    extendLifetime((images?.storage, gradient.storage))
  }

  private func weightGradient(_ sums: Tensor) -> Tensor {
    let transform = tiles.scheme.transforms.weightGradients
    let layout = CTKWinogradWeightLayout(
      outputs: geometry.outputs, inputs: geometry.groupInputs, panel: Tuning.panelWidth,
      isForOutputs: false)
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
  let gradient: Numbers
  /// The inputs of the convolution; nil if the weight needs no gradient.
  let images: WinogradImages?
  /// The transformed weight; nil if the images need no gradient.
  let weights: WinogradWeights?
  /// A gradient of the transformed weight for each part of the images.
  let sums: UnsafeMutablePointer<Float>?
  /// The gradient of the images, and whether it is added to what is there.
  let result: MutableNumbers?
  let accumulates: Bool

  private var geometry: ConvolutionGeometry { tiles.geometry }
  private var tilesPerImage: Int { tiles.down * tiles.across }

  /// Blocks of tiles over the threads, each through all stages while it is in the cache.
  ///
  /// Each part has its own images, because tiles overlap in them, and its own sum, so that results
  /// do not depend on timing.
  func byTiles(parts: Int) {
    let size = tiles.scheme.elementCount(tiles.kernelSize)
    Parallel.forEach(parts) { part in
      walk(
        images: (geometry.count * part / parts)..<(geometry.count * (part + 1) / parts),
        sum: sums.map { $0 + part * size })
    }
  }

  /// The images of one part, block after block.
  private func walk(images range: Range<Int>, sum: UnsafeMutablePointer<Float>?) {
    let blocks = blocks(of: range)
    let most = blocks.map(\.count).max() ?? 0
    let points = tiles.points
    let (inputRoom, outputRoom) = (
      tiles.inputPlanes(capacity: most), tiles.outputPlanes(capacity: most)
    )
    let room = floatRoom(imagesOf: most)
    if room == nil { clear(range) }
    for (index, block) in blocks.enumerated() {
      let values = inputRoom.beginning(at: block.lowerBound)
      let gradients = outputRoom.beginning(at: block.lowerBound)
      tiles.transformGradients(gradient, tiles: block, into: gradients)
      if let images { tiles.transformInputs(images, tiles: block, into: values) }
      for point in points {
        multiply(
          point, count: block.count, gradients: gradients, values: values, sum: sum,
          accumulating: index > 0)
      }
      scatter(values, tiles: block, in: room)
    }
    extendLifetime((inputRoom, outputRoom))
  }

  /// The tiles of some images in blocks of like sizes. Where gradients of images are to be rounded, a
  /// block is of whole images or of one, so that few wait for their last tile.
  private func blocks(of images: Range<Int>) -> [Range<Int>] {
    let (size, wanted) = (tilesPerImage, tiles.wantedBlock)
    func all(_ images: Range<Int>) -> Range<Int> {
      images.lowerBound * size..<images.upperBound * size
    }
    guard result?.format == .bfloat16 else {
      return Array(all(images).evenBlocks(ofAtMost: wanted))
    }
    if size <= wanted { return images.evenBlocks(ofAtMost: wanted / size).map(all) }
    return images.flatMap { all($0..<$0 + 1).evenBlocks(ofAtMost: wanted) }
  }

  /// Room for the floats of the images that some tiles are of, if they are to be rounded.
  private func floatRoom(imagesOf tiles: Int) -> Storage? {
    result?.floatRoom((tiles + tilesPerImage - 1) / tilesPerImage * geometry.imageLength)
  }

  /// Adds up the gradients of the images, in a room of floats if there is one until they are complete.
  private func scatter(_ values: WinogradBuffer, tiles block: Range<Int>, in room: Storage?) {
    guard let result else { return }
    guard let room else {
      return tiles.scatterInputGradients(
        values, tiles: block, accumulating: accumulates, into: result.floats)
    }
    let images =
      block.lowerBound / tilesPerImage..<(block.upperBound + tilesPerImage - 1) / tilesPerImage
    let first = images.lowerBound * tilesPerImage
    let count = images.count * geometry.imageLength
    let target = result + images.lowerBound * geometry.imageLength
    if block.lowerBound == first {
      if accumulates {
        target.read.copy(count, to: room.numbers)
      } else if !tiles.coversEveryPixel {
        room.numbers.clear(count)
      }
    }
    tiles.scatterInputGradients(
      values.beginning(at: values.first - first),
      tiles: block.lowerBound - first..<block.upperBound - first, accumulating: accumulates,
      into: room.pointer)
    if block.upperBound.isMultiple(of: tilesPerImage) {
      room.numbers.read.copy(count, to: target)
    }
  }

  /// Each stage for all tiles, points over the threads.
  func byPoints() {
    let (count, points) = (tiles.count, tiles.points)
    let values = images.map { tiles.transformedInputs($0) } ?? tiles.inputPlanes(capacity: count)
    let gradients = tiles.transformedGradients(gradient)
    Parallel.forEach(points.count) { index in
      multiply(
        points[index], count: count, gradients: gradients, values: values, sum: sums,
        accumulating: false)
    }
    if result != nil {
      Parallel.forRanges(geometry.count, grain: 1) { range in
        let room = floatRoom(imagesOf: tilesPerImage)
        if room == nil { clear(range) }
        for image in range {
          scatter(
            values, tiles: image * tilesPerImage..<(image + 1) * tilesPerImage, in: room)
        }
      }
    }
    extendLifetime((values, gradients))
  }

  /// du[o, c] (+)= dmᵀ · v and then, in v's place, dv[tile, c] = dm · u, at one point.
  private func multiply(
    _ point: WinogradPoint, count: Int, gradients: WinogradBuffer, values: WinogradBuffer,
    sum: UnsafeMutablePointer<Float>?, accumulating: Bool
  ) {
    let (dm, v) = (gradients.outputs(point).view(rows: count), values.inputs(point))
    if let sum {
      point.forEachPart(byPhase: false) { part in
        gemm(
          dm.columns(part.outputs).transposed, v.view(rows: count).columns(part.inputs),
          tiles.scheme.precision, accumulating: accumulating,
          into: MatrixDestination(sum + point.kernels + part.gradients, stride: point.groupDepth))
      }
    }
    weights?.multiply(point, dm, into: v)
  }

  /// Gradients of images in which some pixels are in no tile.
  private func clear(_ images: Range<Int>) {
    guard !tiles.coversEveryPixel, !accumulates, let result else { return }
    let size = geometry.imageLength
    (result + images.lowerBound * size).clear(images.count * size)
  }
}
