internal import CTensorKernels

/// Convolutions with one kernel for each channel, a row of results at a time.
///
/// As products of patches they would be a product of one column for each channel.
struct DepthwiseConvolution: ConvolutionImplementation {
  private let geometry: ConvolutionGeometry

  init(_ geometry: ConvolutionGeometry) {
    precondition(
      geometry.isDepthwise, "a depthwise convolution has one kernel for each channel")
    self.geometry = geometry
  }

  /// result[y, x, c] = Σ over taps of images[pixel, c] · weight[c, tap]
  func forward(
    _ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?, in format: NumberFormat
  ) -> Tensor {
    convolved(
      images, weight, DepthwiseAxes(readingImages: geometry), epilogue, geometry.resultShape
    ).inFormat(format)
  }

  /// dimages[y, x, c] = Σ over taps of gradient[result, c] · weight[c, tap]
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    convolved(
      gradient, weight, DepthwiseAxes(readingResults: geometry), nil, geometry.imageShape)
  }

  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?) {
    (
      wanted.images ? inputGradient(gradient, weight) : nil,
      wanted.weight ? weightGradient(images, gradient) : nil
    )
  }

  private func convolved(
    _ source: Tensor, _ weight: Tensor, _ axes: DepthwiseAxes, _ epilogue: ConvolutionEpilogue?,
    _ shape: TensorShape
  ) -> Tensor {
    let kernel = OutputColumns.of(weight, .float32)
    defer { extendLifetime((source.storage, kernel, epilogue)) }
    let (image, taps) = (source.pointer, kernel.pointer)
    let imageLength = source.shape.elementCount(1..<4)
    let (height, length) = (shape[1], shape[2] * shape[3])
    return Tensor(shape) { out in
      let grain = max(1, Tuning.parallelGrain / max(1, length * 4))
      Parallel.forRanges(shape[0] * height, grain: grain) { rows in
        axes.withRows(geometry, imageWidth: source.shape[2]) { row in
          for index in rows {
            let (number, y) = index.quotientAndRemainder(dividingBy: height)
            ctk_depthwise_row(
              row(y), image + number * imageLength, taps,
              epilogue?.beginning(at: index * length) ?? CTKEpilogue(), out + index * length)
          }
        }
      }
    }
  }
}

// MARK: - The gradient of the weight

extension DepthwiseConvolution {
  /// The results of a part: more would cost the sums digits.
  private static let longestSum = 1_024
  /// The channels whose sums stay in the first-level cache while rows pass.
  private static let channelsAtOnce = 64

  /// dweight[c, tap] = Σ over results of gradient[result, c] · images[pixel, c]
  ///
  /// The sizes alone divide the rows into parts, each with a sum of its own. Threads share out parts
  /// and channels.
  private func weightGradient(_ images: Tensor, _ gradient: Tensor) -> Tensor {
    let (rows, size) = (geometry.count * geometry.output.height, geometry.weightShape.elementCount)
    let step = max(1, Self.longestSum / max(1, geometry.output.width))
    let parts = (rows + step - 1) / step
    let sums = Storage(elementCount: max(1, parts * size))
    let blocks = (geometry.inputs + Self.channelsAtOnce - 1) / Self.channelsAtOnce
    let axes = DepthwiseAxes(readingImages: geometry)
    let (pixels, slopes) = (images.pointer, gradient.pointer)
    Parallel.forEach(parts * blocks) { index in
      let (part, block) = index.quotientAndRemainder(dividingBy: blocks)
      let first = block * Self.channelsAtOnce
      addGradients(
        pixels, slopes, axes, rows: part * step..<min(rows, (part + 1) * step),
        channels: first..<min(geometry.inputs, first + Self.channelsAtOnce),
        to: sums.pointer + part * size)
    }
    defer { extendLifetime((images.storage, gradient.storage, sums)) }
    return total(of: sums.pointer, parts: parts)
  }

  /// sums[tap, c] = those of some rows of results, for some channels.
  private func addGradients(
    _ images: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ axes: DepthwiseAxes,
    rows: Range<Int>, channels: Range<Int>, to sums: UnsafeMutablePointer<Float>
  ) {
    let (height, length) = (geometry.output.height, geometry.output.width * geometry.outputs)
    let imageLength = geometry.imageShape.elementCount(1..<4)
    for tap in 0..<geometry.patchLength {
      (sums + tap * geometry.inputs + channels.lowerBound).update(
        repeating: 0, count: channels.count)
    }
    axes.withRows(geometry, imageWidth: geometry.input.width) { row in
      for index in rows {
        let (number, y) = index.quotientAndRemainder(dividingBy: height)
        ctk_depthwise_kernel_gradient(
          row(y), images + number * imageLength, gradient + index * length,
          channels.lowerBound, channels.upperBound, sums)
      }
    }
  }

  /// total[c, tap] = Σ over parts of sums[part, tap, c]
  private func total(of sums: UnsafePointer<Float>, parts: Int) -> Tensor {
    let (taps, channels) = (geometry.patchLength, geometry.inputs)
    return Tensor(geometry.weightShape) { out in
      var totals = [Double](repeating: 0, count: channels)
      for tap in 0..<taps {
        for channel in 0..<channels { totals[channel] = 0 }
        for part in 0..<parts {
          let line = sums + (part * taps + tap) * channels
          for channel in 0..<channels { totals[channel] += Double(line[channel]) }
        }
        for channel in 0..<channels { out[channel * taps + tap] = Float(totals[channel]) }
      }
    }
  }
}

// MARK: - Taps

/// Which taps of a kernel meet which pixels, for each row and for each column of what is computed.
private struct DepthwiseAxes {
  private let rows: [CTKTaps]
  private let columns: [CTKTaps]
  /// The columns that meet all taps, at neighbouring pixels.
  private let dense: Range<Int>
  /// The distance between the pixels of neighbouring columns.
  private let stride: Int

  /// For results, which read pixels of images.
  init(readingImages geometry: ConvolutionGeometry) {
    func axis(_ path: KeyPath<Size2D, Int>) -> [CTKTaps] {
      (0..<geometry.output[keyPath: path]).map { result in
        let first = result * geometry.stride[keyPath: path] - geometry.padding[keyPath: path]
        return CTKTaps(of: 0..<geometry.kernel[keyPath: path]) { tap in
          let pixel = first + tap * geometry.dilation[keyPath: path]
          return 0..<geometry.input[keyPath: path] ~= pixel ? pixel : nil
        }
      }
    }
    self.init(rows: axis(\.height), columns: axis(\.width), geometry, stride: geometry.stride.width)
  }

  /// For pixels, which read results: taps in descending order, for ascending results.
  init(readingResults geometry: ConvolutionGeometry) {
    func axis(_ path: KeyPath<Size2D, Int>) -> [CTKTaps] {
      (0..<geometry.input[keyPath: path]).map { pixel in
        CTKTaps(of: (0..<geometry.kernel[keyPath: path]).reversed()) { tap in
          let distance =
            pixel + geometry.padding[keyPath: path] - tap * geometry.dilation[keyPath: path]
          let (result, rest) = distance.quotientAndRemainder(
            dividingBy: geometry.stride[keyPath: path])
          return rest == 0 && 0..<geometry.output[keyPath: path] ~= result ? result : nil
        }
      }
    }
    self.init(rows: axis(\.height), columns: axis(\.width), geometry, stride: 1)
  }

  private init(
    rows: [CTKTaps], columns: [CTKTaps], _ geometry: ConvolutionGeometry, stride: Int
  ) {
    (self.rows, self.columns, self.stride) = (rows, columns, stride)
    let isDense = columns.map { $0.count == geometry.kernel.width && $0.pixelStep == 1 }
    let first = isDense.firstIndex(of: true) ?? 0
    let end = isDense.lastIndex(of: true).map { $0 + 1 } ?? first
    // With a stride in a gradient, and a dilation, columns between these meet no tap.
    let isRegular = (first..<end).allSatisfy {
      columns[$0].pixel == columns[first].pixel + ($0 - first) * stride
    }
    dense = isRegular ? first..<end : first..<first
  }

  /// Calls `body` with a function from the number of a row to that row.
  func withRows(
    _ geometry: ConvolutionGeometry, imageWidth: Int, _ body: ((Int) -> CTKDepthwiseRow) -> Void
  ) {
    columns.withUnsafeBufferPointer { columns in
      body { row in
        CTKDepthwiseRow(
          imageWidth: imageWidth, channels: geometry.inputs, kernelWidth: geometry.kernel.width,
          width: columns.count, vertical: rows[row], horizontal: columns.baseAddress,
          denseBegin: dense.lowerBound, denseEnd: dense.upperBound, stride: stride)
      }
    }
  }
}

extension CTKTaps {
  /// Those of `taps` that meet a pixel.
  fileprivate init(of taps: some Sequence<Int>, pixel: (_ tap: Int) -> Int?) {
    let met = taps.compactMap { tap in pixel(tap).map { (tap: tap, pixel: $0) } }
    guard let first = met.first else {
      self.init(count: 0, tap: 0, tapStep: 1, pixel: 0, pixelStep: 1)
      return
    }
    let second = met.dropFirst().first ?? (first.tap + 1, first.pixel + 1)
    self.init(
      count: met.count, tap: first.tap, tapStep: second.tap - first.tap, pixel: first.pixel,
      pixelStep: second.pixel - first.pixel)
  }
}
