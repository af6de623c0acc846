/// Convolution as products of patch matrices, a block of result rows at a time.
struct DirectConvolution: ConvolutionImplementation {
  private let geometry: ConvolutionGeometry
  private let precision: MatmulPrecision

  init(_ geometry: ConvolutionGeometry, _ precision: MatmulPrecision) {
    self.geometry = geometry
    self.precision = precision
  }

  /// result[row, o] = Σ over p of patches[row, p] · weight[o, p]
  func forward(_ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?) -> Tensor {
    defer { extendLifetime(images.storage) }
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .outputs, precision)
    return Tensor(geometry.resultShape) { out in
      geometry.forEachBlock(of: images.pointer) { rows, group, patches in
        packed.multiply(
          patches, group: group, into: geometry.results(out, rows: rows, group: group))
        if let epilogue, group == geometry.groups - 1 {
          epilogue.finish(out, rows: rows, channels: geometry.outputs)
        }
      }
    }
  }

  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    (
      wanted.images ? inputGradient(gradient, weight, addingTo: &sum) : nil,
      wanted.weight ? weightGradient(images, gradient) : nil
    )
  }

  /// The gradient of the images. A 1x1 convolution of stride 1 adds it to `sum` in place, and sets
  /// `sum` to nil.
  private func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, addingTo sum: inout Tensor?
  ) -> Tensor {
    guard geometry.isPointwise, var result = sum else {
      return inputGradient(gradient, weight)
    }
    sum = nil
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    result.mutate {
      pointwiseInputGradient(gradient.pointer, packed, accumulating: true, into: $0)
    }
    extendLifetime(gradient.storage)
    return result
  }

  /// dweight[o, p] = Σ over rows of gradient[row, o] · patches[row, p]
  private func weightGradient(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    geometry.hasLargeWeight
      ? weightGradientByOutputs(images, gradient)
      : weightGradientByRows(images, gradient)
  }

  /// The gradients of some outputs at a time, from all rows.
  private func weightGradientByOutputs(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let patches = geometry.isPointwise ? nil : geometry.patches(of: images)
    defer { extendLifetime((images.storage, patches, gradient.storage)) }
    let length = geometry.patchLength
    let source = MatrixView(
      patches.map { UnsafePointer($0.pointer) } ?? images.pointer, rows: geometry.rows,
      columns: length)
    let dy = geometry.gradients(gradient.pointer, rows: 0..<geometry.rows, group: 0)
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
    let (shape, size) = (geometry.weightShape, geometry.weightShape.elementCount)
    let parts = Parts.ofSum(
      over: geometry.rows, least: 64, size: size,
      reading: geometry.rows * (geometry.patchLength + geometry.outputs))
    let sums = Tensor([parts, size]) { out in
      Parallel.forEach(parts) { part in
        let share = out + part * size
        let all = (geometry.rows * part / parts)..<(geometry.rows * (part + 1) / parts)
        // With no images there is no block that would write the sum.
        if all.isEmpty { share.update(repeating: 0, count: size) }
        geometry.forEachBlock(of: images.pointer, in: all) { rows, group, patches in
          gemm(
            geometry.gradients(gradient.pointer, rows: rows, group: group).transposed, patches,
            precision, accumulating: rows.lowerBound > all.lowerBound,
            into: MatrixDestination(
              share + group * geometry.groupOutputs * geometry.patchLength,
              stride: geometry.patchLength))
        }
      }
    }
    return (parts == 1 ? sums : reduced(sums, over: [0], .sum)).reshapedWithoutRecord(shape)
  }

  /// dimages = the patches gradient[row, o] · weight[o, p], added up where they overlap.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    defer { extendLifetime(gradient.storage) }
    let dy = gradient.pointer
    let packed = PackedWeights.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    return Tensor(geometry.imageShape) { out in
      guard !geometry.isPointwise else {
        return pointwiseInputGradient(dy, packed, accumulating: false, into: out)
      }
      // Images belong to one worker each, so that overlapping patches never race.
      let images = max(1, min(geometry.blockRows / geometry.positions, geometry.count))
      Parallel.workers((geometry.count + images - 1) / images) { _, next in
        let scratch = Storage(
          elementCount: min(geometry.blockRows, images * geometry.positions)
            * geometry.patchLength)
        while let block = next() {
          let range = block * images..<min(geometry.count, (block + 1) * images)
          scatterPatches(dy, packed, images: range, scratch: scratch.pointer, into: out)
        }
        extendLifetime(scratch)
      }
    }
  }

  private func pointwiseInputGradient(
    _ dy: UnsafePointer<Float>, _ packed: PackedWeights, accumulating: Bool,
    into out: UnsafeMutablePointer<Float>
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

  private func scatterPatches(
    _ dy: UnsafePointer<Float>, _ packed: PackedWeights, images: Range<Int>,
    scratch: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    let imageLength = geometry.input.height * geometry.input.width * geometry.inputs
    (out + images.lowerBound * imageLength).update(
      repeating: 0, count: images.count * imageLength)
    let all = images.lowerBound * geometry.positions..<images.upperBound * geometry.positions
    for rows in all.blocks(of: geometry.blockRows) {
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
    _ pointer: UnsafePointer<Float>, rows: Range<Int>, group: Int
  ) -> MatrixView {
    MatrixView(
      pointer + rows.lowerBound * outputs + group * groupOutputs, rows: rows.count,
      columns: groupOutputs, stride: outputs)
  }

  /// Some rows of results, of a group's outputs.
  fileprivate func results(
    _ pointer: UnsafeMutablePointer<Float>, rows: Range<Int>, group: Int
  ) -> MatrixDestination {
    MatrixDestination(pointer, stride: outputs)
      .from(row: rows.lowerBound, column: group * groupOutputs)
  }

  /// Whether the weight is so large, and the rows so few, that adding up a sum for each part would
  /// take long: a fifth of the time in ResNet-50's last level.
  fileprivate var hasLargeWeight: Bool {
    groups == 1 && rows <= 512 && outputs >= 2 * Tuning.fewestOutputs
  }

  /// All patches of all images.
  fileprivate func patches(of images: Tensor) -> Storage {
    let patches = Storage(elementCount: rows * patchLength)
    let source = images.pointer
    Parallel.forRanges(rows, grain: max(1, (1 << 14) / patchLength)) { range in
      im2col(
        source, group: 0, rows: range, into: patches.pointer + range.lowerBound * patchLength)
    }
    extendLifetime(images.storage)
    return patches
  }

  fileprivate typealias BlockBody = (
    _ rows: Range<Int>, _ group: Int, _ patches: MatrixView
  ) -> Void

  /// Calls `body` with the patches of each block of rows and each group, on all threads.
  fileprivate func forEachBlock(of images: UnsafePointer<Float>, _ body: BlockBody) {
    let step = blockRows
    Parallel.workers((rows + step - 1) / step) { _, next in
      let scratch = isPointwise ? nil : Storage(elementCount: step * patchLength)
      while let block = next() {
        let range = block * step..<min(rows, (block + 1) * step)
        withPatches(of: images, rows: range, scratch: scratch, body)
      }
    }
  }

  /// The same for the blocks of `range`, in order on the calling thread.
  fileprivate func forEachBlock(
    of images: UnsafePointer<Float>, in range: Range<Int>, _ body: BlockBody
  ) {
    let scratch = isPointwise ? nil : Storage(elementCount: blockRows * patchLength)
    for rows in range.blocks(of: blockRows) {
      withPatches(of: images, rows: rows, scratch: scratch, body)
    }
  }

  @inline(__always)
  private func withPatches(
    of images: UnsafePointer<Float>, rows: Range<Int>, scratch: Storage?, _ body: BlockBody
  ) {
    for group in 0..<groups {
      if let scratch {
        im2col(images, group: group, rows: rows, into: scratch.pointer)
        body(
          rows, group, MatrixView(scratch.pointer, rows: rows.count, columns: patchLength))
      } else {
        body(
          rows, group,
          MatrixView(
            images + rows.lowerBound * inputs + group * groupInputs, rows: rows.count,
            columns: groupInputs, stride: inputs))
      }
    }
  }
}
