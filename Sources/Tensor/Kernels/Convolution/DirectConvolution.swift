/// The outputs whose gradients a thread makes at full speed.
private let fewestOutputs = 128

/// Convolution as products of patch matrices, a block of result rows at a time.
struct DirectConvolution: ConvolutionImplementation {
  private let geometry: ConvolutionGeometry
  private let precision: MatmulPrecision

  init(_ geometry: ConvolutionGeometry, _ precision: MatmulPrecision) {
    self.geometry = geometry
    self.precision = precision
  }

  /// result[row, o] = Σ over p of patches[row, p] · weight[o, p]
  func forward(_ images: Tensor, _ weight: Tensor) -> Tensor {
    defer { extendLifetime(images.storage) }
    let x = images.pointer
    let panels = WeightPanels.of(weight, groups: geometry.groups, for: .outputs, precision)
    return Tensor(geometry.resultShape) { out in
      geometry.forEachBlock(of: x) { rows, group, patches, stride in
        panels.multiply(
          m: rows.count, group: group, patches, stride: stride,
          into: out + rows.lowerBound * geometry.outputs + group * geometry.groupOutputs,
          stride: geometry.outputs)
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

  /// The gradient of the images, and of a 1x1 convolution of stride 1 the sum with what was there, which is
  /// taken: the products are added to it where they are made.
  private func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, addingTo sum: inout Tensor?
  ) -> Tensor {
    guard geometry.isPointwise, var result = sum else {
      return inputGradient(gradient, weight)
    }
    sum = nil
    let panels = WeightPanels.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    result.mutate {
      pointwiseInputGradient(gradient.pointer, panels, beta: 1, into: $0)
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

  /// Each thread makes the gradients of some outputs, from all rows.
  private func weightGradientByOutputs(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let patches = geometry.isPointwise ? nil : geometry.patches(of: images)
    defer { extendLifetime((images.storage, patches, gradient.storage)) }
    let source = patches.map { UnsafePointer($0.pointer) } ?? images.pointer
    let (dy, outputs, length) = (gradient.pointer, geometry.outputs, geometry.patchLength)
    return Tensor(geometry.weightShape) { out in
      Parallel.forRanges(outputs, grain: fewestOutputs) { range in
        transposedGemm(
          m: range.count, n: length, k: geometry.rows, dy + range.lowerBound, stride: outputs,
          source, stride: length, precision, beta: 0, into: out + range.lowerBound * length,
          stride: length)
      }
    }
  }

  /// Each thread adds up the gradients of all outputs over a share of the rows.
  private func weightGradientByRows(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    defer { extendLifetime((images.storage, gradient.storage)) }
    let (x, dy) = (images.pointer, gradient.pointer)
    let parts = min(Threads.count, max(1, geometry.rows / 64))
    // A sum for each thread over a fixed share of the rows, so that a run can be repeated exactly.
    let sums = Tensor(Shape([parts] + geometry.weightShape.dimensions)) { out in
      Parallel.forEach(parts) { part in
        let share = out + part * geometry.weightShape.elementCount
        let all = (geometry.rows * part / parts)..<(geometry.rows * (part + 1) / parts)
        // With no images there is no block that would write the sum.
        if all.isEmpty { share.update(repeating: 0, count: geometry.weightShape.elementCount) }
        geometry.forEachBlock(of: x, in: all) { rows, group, patches, stride in
          transposedGemm(
            m: geometry.groupOutputs, n: geometry.patchLength, k: rows.count,
            dy + rows.lowerBound * geometry.outputs + group * geometry.groupOutputs,
            stride: geometry.outputs, patches, stride: stride, precision,
            beta: rows.lowerBound == all.lowerBound ? 0 : 1,
            into: share + group * geometry.groupOutputs * geometry.patchLength,
            stride: geometry.patchLength)
        }
      }
    }
    return parts == 1
      ? sums.reshapedWithoutRecord(geometry.weightShape)
      : reduced(sums, over: [0], .sum).reshapedWithoutRecord(geometry.weightShape)
  }

  /// dimages = the patches gradient[row, o] · weight[o, p], added up where they overlap.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    defer { extendLifetime(gradient.storage) }
    let dy = gradient.pointer
    let panels = WeightPanels.of(weight, groups: geometry.groups, for: .inputGradients, precision)
    return Tensor(geometry.imageShape) { out in
      if geometry.isPointwise {
        pointwiseInputGradient(dy, panels, beta: 0, into: out)
      } else {
        // Images are owned by one worker each, so that overlapping patches never race.
        let images = max(1, min(geometry.blockRows / geometry.positions, geometry.count))
        let blocks = (geometry.count + images - 1) / images
        Parallel.workers(blocks) { _, next in
          let scratch = Storage(
            elementCount: min(geometry.blockRows, images * geometry.positions)
              * geometry.patchLength)
          while let block = next() {
            let range = block * images..<min(geometry.count, (block + 1) * images)
            scatterPatches(
              dy, panels, images: range, scratch: scratch.pointer, into: out)
          }
        }
      }
    }
  }

  private func pointwiseInputGradient(
    _ dy: UnsafePointer<Float>, _ panels: WeightPanels, beta: Float,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (step, inputs, outputs) = (geometry.blockRows, geometry.groupInputs, geometry.groupOutputs)
    Parallel.forEach((geometry.rows + step - 1) / step) { block in
      let start = block * step
      for group in 0..<geometry.groups {
        panels.multiply(
          m: min(step, geometry.rows - start), group: group,
          dy + start * geometry.outputs + group * outputs, stride: geometry.outputs, beta: beta,
          into: out + start * geometry.inputs + group * inputs, stride: geometry.inputs)
      }
    }
  }

  private func scatterPatches(
    _ dy: UnsafePointer<Float>, _ panels: WeightPanels, images: Range<Int>,
    scratch: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    let imageLength = geometry.input.height * geometry.input.width * geometry.inputs
    (out + images.lowerBound * imageLength).update(
      repeating: 0, count: images.count * imageLength)
    let end = images.upperBound * geometry.positions
    for start in stride(
      from: images.lowerBound * geometry.positions, to: end, by: geometry.blockRows)
    {
      let rows = start..<min(end, start + geometry.blockRows)
      for group in 0..<geometry.groups {
        panels.multiply(
          m: rows.count, group: group,
          dy + start * geometry.outputs + group * geometry.groupOutputs, stride: geometry.outputs,
          into: scratch, stride: geometry.patchLength)
        geometry.col2im(scratch, group: group, rows: rows, addingTo: out)
      }
    }
  }
}

extension ConvolutionGeometry {
  /// Whether the weight is large for so few rows: then a sum for each thread would be much to add up, in
  /// ResNet-50's last level a fifth of the time.
  fileprivate var hasLargeWeight: Bool {
    groups == 1 && rows <= 512 && Threads.count > 1 && outputs >= fewestOutputs * Threads.count
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

  /// Calls `body` with the patches of each block of rows and each group, on all threads.
  func forEachBlock(
    of images: UnsafePointer<Float>,
    _ body: (
      _ rows: Range<Int>, _ group: Int, _ patches: UnsafePointer<Float>, _ stride: Int
    ) -> Void
  ) {
    let step = blockRows
    Parallel.workers((rows + step - 1) / step) { _, next in
      let scratch = isPointwise ? nil : Storage(elementCount: step * patchLength)
      while let block = next() {
        let range = block * step..<min(rows, (block + 1) * step)
        withPatches(of: images, rows: range, scratch: scratch, body)
      }
    }
  }

  /// The same for the blocks of `range`, one after the other on the calling thread.
  func forEachBlock(
    of images: UnsafePointer<Float>, in range: Range<Int>,
    _ body: (
      _ rows: Range<Int>, _ group: Int, _ patches: UnsafePointer<Float>, _ stride: Int
    ) -> Void
  ) {
    let step = blockRows
    let scratch = isPointwise ? nil : Storage(elementCount: step * patchLength)
    for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: step) {
      let rows = start..<min(range.upperBound, start + step)
      withPatches(of: images, rows: rows, scratch: scratch, body)
    }
  }

  @inline(__always)
  private func withPatches(
    of images: UnsafePointer<Float>, rows: Range<Int>, scratch: Storage?,
    _ body: (Range<Int>, Int, UnsafePointer<Float>, Int) -> Void
  ) {
    for group in 0..<groups {
      if let scratch {
        im2col(images, group: group, rows: rows, into: scratch.pointer)
        body(rows, group, scratch.pointer, patchLength)
      } else {
        body(rows, group, images + rows.lowerBound * inputs + group * groupInputs, inputs)
      }
    }
  }
}
