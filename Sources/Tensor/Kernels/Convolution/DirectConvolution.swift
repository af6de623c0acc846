/// Convolution as products of patch matrices, a block of result rows at a time.
struct DirectConvolution: ConvolutionImplementation {
  private let geometry: ConvolutionGeometry
  private let precision: MatmulPrecision

  init(_ geometry: ConvolutionGeometry, _ precision: MatmulPrecision) {
    self.geometry = geometry
    self.precision = precision
  }

  /// A tensor in a format that products of this precision read.
  private func factor(_ x: Tensor) -> Tensor {
    precision == .bfloat16 ? x : x.inFormat(.float32)
  }

  /// The same for images, of whose numbers patches copy each several times.
  private func source(_ images: Tensor) -> Tensor {
    precision == .bfloat16 && !geometry.isPointwise ? images.inFormat(.bfloat16) : factor(images)
  }

  /// result[row, o] = Σ over p of patches[row, p] · weight[o, p]
  func forward(
    _ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?, in format: NumberFormat
  ) -> Tensor {
    let images = source(images)
    defer { extendLifetime(images.storage) }
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .outputs, precision)
    return Tensor(geometry.resultShape, format) { out in
      geometry.forEachBlock(of: images) { rows, group, patches in
        packed.multiply(
          patches, group: group, into: geometry.results(out, rows: rows, group: group))
        if let epilogue, group == geometry.groups - 1 {
          epilogue.finish(out.floats, rows: rows, channels: geometry.outputs)
        }
      }
    }
  }

  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    (
      wanted.images ? inputGradient(gradient, weight, in: images.format, addingTo: &sum) : nil,
      wanted.weight ? weightGradient(images, gradient) : nil
    )
  }

  /// The gradient of the images. A 1x1 convolution of stride 1 adds it to `sum` in place, in the
  /// format of that, and sets `sum` to nil.
  private func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, in format: NumberFormat, addingTo sum: inout Tensor?
  ) -> Tensor {
    guard geometry.isPointwise, precision == .bfloat16 || sum?.format == .float32,
      var result = sum
    else { return inputGradient(gradient, weight, in: format) }
    sum = nil
    let gradient = factor(gradient)
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    result.mutateNumbers {
      pointwiseInputGradient(gradient.numbers, packed, accumulating: true, into: $0)
    }
    extendLifetime(gradient.storage)
    return result
  }

  /// dweight[o, p] = Σ over rows of gradient[row, o] · patches[row, p]
  private func weightGradient(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let (images, gradient) = (source(images), factor(gradient))
    return geometry.hasLargeWeight
      ? weightGradientByOutputs(images, gradient)
      : weightGradientByRows(images, gradient)
  }

  /// The gradients of some outputs at a time, from all rows.
  private func weightGradientByOutputs(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let patches = geometry.isPointwise ? nil : geometry.patches(of: images.numbers)
    defer { extendLifetime((images.storage, patches, gradient.storage)) }
    let length = geometry.patchLength
    let source = MatrixView(
      patches?.numbers.read ?? images.numbers, rows: geometry.rows, columns: length,
      stride: patches.map { geometry.patchStride($0.format) })
    let dy = geometry.gradients(gradient.numbers, rows: 0..<geometry.rows, group: 0)
    return Tensor(geometry.weightShape) { out in
      let parts = (geometry.outputs + Tuning.fewestOutputs - 1) / Tuning.fewestOutputs
      Parallel.forEach(parts) { part in
        let range = geometry.outputs * part / parts..<geometry.outputs * (part + 1) / parts
        gemm(
          dy.columns(range).transposed, source, precision,
          into: MatrixDestination(out + range.lowerBound * length, stride: length))
      }
    }
  }

  /// The gradients of all outputs, added up over a share of the rows at a time.
  private func weightGradientByRows(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    defer { extendLifetime((images.storage, gradient.storage)) }
    let dy = gradient.numbers
    let (shape, size) = (geometry.weightShape, geometry.weightShape.elementCount)
    let parts = Parts.ofSum(
      over: geometry.rows, least: 64, size: size,
      reading: geometry.rows * (geometry.patchLength + geometry.outputs))
    let source = geometry.patchSource(images)
    let sums = Tensor([parts, size]) { out in
      Parallel.forEach(parts) { part in
        let share = out + part * size
        let all = (geometry.rows * part / parts)..<(geometry.rows * (part + 1) / parts)
        // With no images there is no block that would write the sum.
        if all.isEmpty { share.update(repeating: 0, count: size) }
        geometry.forEachBlock(of: source, in: all) { rows, group, patches in
          gemm(
            geometry.gradients(dy, rows: rows, group: group).transposed,
            patches.columns(0..<geometry.patchLength), precision,
            accumulating: rows.lowerBound > all.lowerBound,
            into: MatrixDestination(
              share + group * geometry.groupOutputs * geometry.patchLength,
              stride: geometry.patchLength))
        }
      }
    }
    return (parts == 1 ? sums : reduced(sums, over: [0], .sum)).reshapedWithoutRecord(shape)
  }

  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    inputGradient(gradient, weight, in: .float32)
  }

  /// dimages = the patches gradient[row, o] · weight[o, p], added up where they overlap.
  private func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, in format: NumberFormat
  ) -> Tensor {
    let gradient = factor(gradient)
    defer { extendLifetime(gradient.storage) }
    let dy = gradient.numbers
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    guard !geometry.isPointwise else {
      // Products of floats are floats.
      return Tensor(geometry.imageShape, precision == .bfloat16 ? format : .float32) { out in
        pointwiseInputGradient(dy, packed, accumulating: false, into: out)
      }
    }
    return Tensor(geometry.imageShape, format) { out in
      // Images belong to one worker each, so that overlapping patches never race.
      let images = max(1, min(geometry.blockRows / geometry.positions, geometry.count))
      Parallel.workers((geometry.count + images - 1) / images) { _, next in
        let scratch = Storage(
          elementCount: min(geometry.blockRows, images * geometry.positions)
            * geometry.patchLength)
        let room = out.floatRoom(images * geometry.imageLength)
        while let block = next() {
          let range = block * images..<min(geometry.count, (block + 1) * images)
          (out + range.lowerBound * geometry.imageLength).writeFloats(
            range.count * geometry.imageLength, in: room
          ) { scatterPatches(dy, packed, images: range, scratch: scratch.pointer, into: $0) }
        }
        extendLifetime(scratch)
      }
    }
  }

  private func pointwiseInputGradient(
    _ dy: Numbers, _ packed: PackedWeights, accumulating: Bool, into out: MutableNumbers
  ) {
    let (step, inputs) = (geometry.blockRows, geometry.groupInputs)
    Parallel.forEach((geometry.rows + step - 1) / step) { block in
      let rows = block * step..<min(geometry.rows, (block + 1) * step)
      for group in 0..<geometry.groups {
        packed.multiply(
          geometry.gradients(dy, rows: rows, group: group), group: group,
          accumulating: accumulating,
          into: MatrixDestination(out, stride: geometry.inputs)
            .from(row: rows.lowerBound, column: group * inputs))
      }
    }
  }

  /// The gradients of some images, the first of them at `out`.
  private func scatterPatches(
    _ dy: Numbers, _ packed: PackedWeights, images: Range<Int>,
    scratch: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    out.update(repeating: 0, count: images.count * geometry.imageLength)
    let dy = dy + images.lowerBound * geometry.positions * geometry.outputs
    for rows in (0..<images.count * geometry.positions).blocks(of: geometry.blockRows) {
      for group in 0..<geometry.groups {
        packed.multiply(
          geometry.gradients(dy, rows: rows, group: group), group: group,
          into: MatrixDestination(scratch, stride: geometry.patchLength))
        geometry.col2im(scratch, group: group, rows: rows, addingTo: out)
      }
    }
  }
}

extension ConvolutionGeometry {
  /// The gradients of some rows of results, of a group's outputs.
  fileprivate func gradients(
    _ numbers: Numbers, rows: Range<Int>, group: Int
  ) -> MatrixView {
    MatrixView(
      numbers + (rows.lowerBound * outputs + group * groupOutputs), rows: rows.count,
      columns: groupOutputs, stride: outputs)
  }

  /// Some rows of results, of a group's outputs.
  fileprivate func results(
    _ numbers: MutableNumbers, rows: Range<Int>, group: Int
  ) -> MatrixDestination {
    MatrixDestination(numbers, stride: outputs)
      .from(row: rows.lowerBound, column: group * groupOutputs)
  }

  /// Whether the weight is so large, and the rows so few, that adding up a sum for each part would
  /// take long: a fifth of the time in ResNet-50's last level.
  fileprivate var hasLargeWeight: Bool {
    groups == 1 && rows <= 512 && outputs >= 2 * Tuning.fewestOutputs
  }

  /// All patches of all images.
  fileprivate func patches(of images: Numbers) -> Storage {
    let patches = patchRoom(rows: rows, images.format)
    Parallel.forRanges(rows, grain: max(1, (1 << 14) / patchLength)) { range in
      im2col(
        images, group: 0, rows: range,
        into: patches.numbers + range.lowerBound * patchStride(images.format))
    }
    return patches
  }

  fileprivate typealias BlockBody = (
    _ rows: Range<Int>, _ group: Int, _ patches: MatrixView
  ) -> Void

  /// The images, which must live as long as this.
  fileprivate func patchSource(_ images: Tensor) -> PatchSource {
    guard isPointwise else { return .patches(images.numbers) }
    return images.deferredNormalization.map { .normalized($0) } ?? .pixels(images.numbers)
  }

  /// Room for the patches of some rows; none if they are where the images are.
  private func patchRoom(for source: PatchSource, rows: Int) -> Storage {
    switch source {
    case .pixels: Storage(elementCount: 0)
    case .normalized(let normalization):
      Storage(elementCount: rows * inputs, normalization.input.format)
    case .patches(let images): patchRoom(rows: rows, images.format)
    }
  }

  /// Calls `body` with the patches of each block of rows and each group, on all threads.
  fileprivate func forEachBlock(of images: Tensor, _ body: BlockBody) {
    let (step, source) = (blockRows, patchSource(images))
    Parallel.workers((rows + step - 1) / step) { _, next in
      let room = patchRoom(for: source, rows: step)
      while let block = next() {
        let range = block * step..<min(rows, (block + 1) * step)
        withPatches(of: source, rows: range, room: room, body)
      }
    }
    extendLifetime(images.storage)
  }

  /// The same for the blocks of `range`, in order on the calling thread.
  fileprivate func forEachBlock(of source: PatchSource, in range: Range<Int>, _ body: BlockBody) {
    let room = patchRoom(for: source, rows: blockRows)
    for rows in range.blocks(of: blockRows) {
      withPatches(of: source, rows: rows, room: room, body)
    }
  }

  @inline(__always)
  private func withPatches(
    of source: PatchSource, rows: Range<Int>, room: Storage, _ body: BlockBody
  ) {
    switch source {
    case .pixels(let images):
      withPixels(images + rows.lowerBound * inputs, rows: rows, body)
    case .normalized(let normalization):
      normalization.write(rows: rows, into: room.numbers)
      withPixels(room.numbers.read, rows: rows, body)
    case .patches(let images):
      for group in 0..<groups {
        im2col(images, group: group, rows: rows, into: room.numbers)
        let stride = patchStride(images.format)
        body(rows, group, MatrixView(room.numbers.read, rows: rows.count, columns: stride))
      }
    }
  }

  /// The patches that are pixels, of which `rows` begin here.
  @inline(__always)
  private func withPixels(_ pixels: Numbers, rows: Range<Int>, _ body: BlockBody) {
    for group in 0..<groups {
      body(
        rows, group,
        MatrixView(
          pixels + group * groupInputs, rows: rows.count, columns: groupInputs, stride: inputs))
    }
  }
}

/// Where the patches of a convolution are.
private enum PatchSource {
  /// They are the pixels.
  case pixels(Numbers)
  /// They are the pixels of images that are not written.
  case normalized(DeferredNormalization)
  /// They are copied together from images.
  case patches(Numbers)
}
