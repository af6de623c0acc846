internal import CTensorKernels

/// Convolutions of images of few channels, as those that a network begins with: a band of rows at a
/// time, from pixels where they are.
///
/// Products of patches would copy each pixel once for each tap: on two cores of a Zen 5, 1 -> 16
/// channels by 3x3 made 20 GFLOP/s of 534 (`benchmark convolution --net resnet10`).
struct RowConvolution: ConvolutionImplementation {
  private let geometry: ConvolutionGeometry
  private let precision: MatmulPrecision
  /// For gradients of images, which few ask for.
  private let patches: DirectConvolution

  /// nil if a pixel's channels would fill vectors, or if results do not.
  init?(_ geometry: ConvolutionGeometry, _ precision: MatmulPrecision) {
    guard
      geometry.groups == 1 && geometry.dilation == 1 && geometry.patchLength > 0
        && 1..<Int(CTKLaneCount) ~= geometry.inputs
        && geometry.outputs > 0 && geometry.outputs.isMultiple(of: Int(CTKWideLaneCount))
    else { return nil }
    (self.geometry, self.precision) = (geometry, precision)
    patches = DirectConvolution(geometry, precision)
  }

  /// result[y, x, o] = Σ over taps and channels of images · weight
  func forward(
    _ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?, in format: NumberFormat
  ) -> Tensor {
    let (kernel, source) = (OutputColumns.of(weight, precision), images.numbers)
    defer { extendLifetime((images.storage, kernel, epilogue)) }
    let length = geometry.output.width * geometry.outputs
    return Tensor(geometry.resultShape, format) { out in
      let bands = geometry.bands
      Parallel.forRanges(bands.count, grain: bands.perImage) { range in
        for band in range.lazy.map({ bands[$0] }) {
          withPixels(of: source, readBy: band, pairedOver: 1) { pixels in
            let place = (band.image * geometry.output.height + band.rows.lowerBound) * length
            let convolve =
              precision == .bfloat16 ? ctk_convolution_rows_of_pairs : ctk_convolution_rows
            convolve(
              resultLayout(of: band), pixels, kernel.pointer,
              epilogue?.beginning(at: place) ?? CTKEpilogue(), (out + place).layout)
          }
        }
      }
    }
  }

  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    let found = patches.gradients(
      images, weight, gradient, wanted: (wanted.images, false), addingTo: &sum)
    return (found.images, wanted.weight ? weightGradient(images, gradient) : nil)
  }

  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    patches.inputGradient(gradient, weight)
  }

  /// dweight[o, tap, c] = Σ over results of gradient · images, in parts that the sizes alone decide.
  private func weightGradient(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let (bands, size) = (geometry.bands, geometry.weightShape.elementCount)
    let parts = Parts.ofSum(
      over: bands.count, least: 1, size: size,
      reading: geometry.rows * (geometry.inputs + geometry.outputs))
    let (pixels, slopes) = (images.numbers, gradient.numbers)
    let sums = Tensor([parts, size]) { out in
      Parallel.forEach(parts) { part in
        let sum = out + part * size
        sum.update(repeating: 0, count: size)
        for band in bands.count * part / parts..<bands.count * (part + 1) / parts {
          addGradients(of: bands[band], pixels, slopes, to: sum)
        }
      }
    }
    let total = parts == 1 ? sums : reduced(sums, over: [0], .sum)
    defer { extendLifetime((images.storage, gradient.storage, total.storage)) }
    return Tensor(geometry.weightShape) { out in
      ctk_transpose_panel(
        total.pointer, geometry.outputs, geometry.patchLength, geometry.outputs, out)
    }
  }

  private func addGradients(
    of band: RowBand, _ images: Numbers, _ gradient: Numbers, to sum: UnsafeMutablePointer<Float>
  ) {
    let step = geometry.stride.width * geometry.inputs
    withPixels(of: images, readBy: band, pairedOver: step) { pixels in
      withGradients(gradient, of: band) { slopes in
        let add =
          precision == .bfloat16
          ? ctk_convolution_kernel_gradient_of_pairs : ctk_convolution_kernel_gradient
        add(gradientLayout(of: band), pixels, slopes, sum)
      }
    }
  }
}

// MARK: - Bands

/// Some rows of results of one image.
private struct RowBand {
  let image: Int
  let rows: Range<Int>
}

/// The results of all images in bands of like sizes.
private struct RowBands {
  let height: Int
  let perImage: Int
  let count: Int

  subscript(index: Int) -> RowBand {
    let (image, band) = index.quotientAndRemainder(dividingBy: perImage)
    return RowBand(
      image: image, rows: height * band / perImage..<height * (band + 1) / perImage)
  }
}

extension ConvolutionGeometry {
  fileprivate var bands: RowBands {
    let length = max(output.width * outputs, stride.height * pitch)
    let most = max(1, Tuning.numbersOfBand / max(1, length))
    let perImage = max(1, (output.height + most - 1) / most)
    return RowBands(height: output.height, perImage: perImage, count: count * perImage)
  }

  /// The numbers from one row of padded images to the next.
  fileprivate var pitch: Int {
    max(padding.width + input.width, (output.width - 1) * stride.width + kernel.width) * inputs
  }
}

extension RowConvolution {
  private func resultLayout(of band: RowBand) -> CTKConvolutionRows {
    var layout = gradientLayout(of: band)
    (layout.width, layout.step) = (geometry.output.width, geometry.stride.width * geometry.inputs)
    guard precision == .bfloat16 else { return layout }
    (layout.terms, layout.termStep) = (BFloat16Gemm.pairCount(layout.terms), 2)
    return layout
  }

  private func gradientLayout(of band: RowBand) -> CTKConvolutionRows {
    let results = precision == .bfloat16 ? 2 : 1
    return CTKConvolutionRows(
      lines: geometry.kernel.height, terms: geometry.kernel.width * geometry.inputs, termStep: 1,
      lineStep: geometry.pitch, step: results * geometry.stride.width * geometry.inputs,
      rowStep: geometry.stride.height * geometry.pitch, rows: band.rows.count,
      width: (geometry.output.width + results - 1) / results, outputs: geometry.outputs)
  }

  /// Calls `body` with the pixels that a band reads, as floats or pairs of numbers of such a distance;
  /// outside the image they are zeros.
  private func withPixels(
    of images: Numbers, readBy band: RowBand, pairedOver distance: Int,
    _ body: (UnsafePointer<Float>) -> Void
  ) {
    let first = band.rows.lowerBound * geometry.stride.height - geometry.padding.height
    let rows =
      first..<first + (band.rows.count - 1) * geometry.stride.height
      + geometry.kernel.height
    let pitch = geometry.pitch
    let room = Storage(elementCount: rows.count * pitch)
    switch precision {
    case .float32:
      for (index, y) in rows.enumerated() {
        geometry.pad(
          y, ofImage: band.image, in: images, to: pitch, at: room.numbers + index * pitch)
      }
    case .bfloat16:
      let line = Storage(elementCount: pitch + distance, .bfloat16)
      for (index, y) in rows.enumerated() {
        geometry.pad(y, ofImage: band.image, in: images, to: pitch + distance, at: line.numbers)
        ctk_pair_numbers(line.numbers.halves, distance, pitch, room.pointer + index * pitch)
      }
      extendLifetime(line)
    }
    body(UnsafePointer(room.pointer))
    extendLifetime(room)
  }

  /// Calls `body` with a band's gradients, as floats or pairs of neighbouring results.
  private func withGradients(
    _ gradients: Numbers, of band: RowBand, _ body: (UnsafePointer<Float>) -> Void
  ) {
    let (width, outputs) = (geometry.output.width, geometry.outputs)
    let first = (band.image * geometry.output.height + band.rows.lowerBound) * width * outputs
    if precision == .float32, gradients.format == .float32 {
      return body((gradients + first).floats)
    }
    let length = precision == .float32 ? width : BFloat16Gemm.pairCount(width)
    let room = Storage(elementCount: band.rows.count * length * outputs)
    for row in 0..<band.rows.count {
      let (from, to) = (
        gradients + first + row * width * outputs, room.pointer + row * length * outputs
      )
      switch precision {
      case .float32: from.copy(width * outputs, to: MutableNumbers(to))
      case .bfloat16:
        ctk_round_panels(from.layout, outputs, width, outputs, outputs, to.pairs)
      }
    }
    body(UnsafePointer(room.pointer))
    extendLifetime(room)
  }
}

extension ConvolutionGeometry {
  /// Copies row `y` of an image, between zeros that make `length` numbers of it; a row outside the
  /// image is zeros.
  fileprivate func pad(
    _ y: Int, ofImage image: Int, in images: Numbers, to length: Int, at line: MutableNumbers
  ) {
    guard 0..<input.height ~= y else { return line.clear(length) }
    let (start, count) = (padding.width * inputs, input.width * inputs)
    line.clear(start)
    (images + (image * input.height + y) * count).copy(count, to: line + start)
    (line + start + count).clear(length - start - count)
  }
}
