internal import CTensorKernels

/// The windows of one pooling: images [count, height, width, channels] to
/// [count, output height, output width, channels].
struct PoolingGeometry: Sendable {
  let images: TensorShape
  let window: Size2D
  let stride: Size2D
  let padding: Size2D
  let output: Size2D

  init(_ images: TensorShape, window: Size2D, stride: Size2D, padding: Size2D, operation: String) {
    precondition(
      images.rank == 4,
      "\(operation) needs images [count, height, width, channels]; got shape \(images)")
    precondition(
      min(window.height, window.width, stride.height, stride.width) >= 1
        && padding.height * 2 <= window.height && padding.width * 2 <= window.width,
      "\(operation) needs windows and strides of 1 or more and paddings of at most half a window; "
        + "got window \(window), stride \(stride), padding \(padding)")
    precondition(
      window.height <= images[1] + 2 * padding.height
        && window.width <= images[2] + 2 * padding.width,
      "\(operation) needs images of at least \(window) with their padding of \(padding); "
        + "got shape \(images)")
    self.images = images
    self.window = window
    self.stride = stride
    self.padding = padding
    output = Size2D(
      height: (images[1] + 2 * padding.height - window.height) / stride.height + 1,
      width: (images[2] + 2 * padding.width - window.width) / stride.width + 1)
  }

  var resultShape: TensorShape { [images[0], output.height, output.width, images[3]] }

  /// Calls `body` for each window of one image: where the result is, in pixels, and the window's rows
  /// and columns without padding.
  @inline(__always)
  func forEachWindow(_ body: (_ result: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    for oy in 0..<output.height {
      for ox in 0..<output.width {
        let (top, left) = (oy * stride.height - padding.height, ox * stride.width - padding.width)
        body(
          oy * output.width + ox, max(0, top)..<min(images[1], top + window.height),
          max(0, left)..<min(images[2], left + window.width))
      }
    }
  }

  /// Calls `body` for each pixel of each window of one image: where the result is and the pixel is,
  /// in pixels from the start of the image.
  @inline(__always)
  func forEachPixel(_ body: (_ result: Int, _ pixel: Int) -> Void) {
    forEachWindow { result, rows, columns in
      for y in rows { for x in columns { body(result, y * images[2] + x) } }
    }
  }

  /// Calls `body` with each image's number, on all threads.
  func forEachImage(_ body: (Int) -> Void) {
    let work = output.height * output.width * images[3]
    Parallel.forRanges(images[0], grain: max(1, Tuning.parallelGrain / 4 / max(1, work))) { range in
      for image in range { body(image) }
    }
  }

  var imageLength: Int { images[1] * images[2] * images[3] }
  var resultLength: Int { output.height * output.width * images[3] }
}

/// The largest of each window, and the index of that pixel in its image; the first of equals.
func maxPooled(_ x: Tensor, _ geometry: PoolingGeometry) -> (Tensor, winners: [Int32]) {
  defer { extendLifetime(x.storage) }
  let (numbers, channels, width) = (x.numbers, geometry.images[3], geometry.images[2])
  var result = Tensor.zeros([])
  let winners = [Int32](unsafeUninitializedCapacity: geometry.resultShape.elementCount) {
    buffer, count in
    count = geometry.resultShape.elementCount
    guard let winners = buffer.baseAddress else { return }
    result = Tensor(geometry.resultShape, x.format) { out in
      geometry.forEachImage { image in
        let values = (numbers + image * geometry.imageLength).layout
        geometry.forEachWindow { position, rows, columns in
          let place = image * geometry.resultLength + position * channels
          let window = CTKWindow(
            width: width, channels: channels, first: rows.lowerBound * width + columns.lowerBound,
            rows: rows.count, columns: columns.count)
          ctk_largest(values, window, (out + place).layout, winners + place)
        }
      }
    }
  }
  return (result, winners)
}

/// The gradient of each result added to the pixel that won it, in a format.
func maxPoolGradient(
  _ gradient: Tensor, winners: [Int32], in format: NumberFormat, _ geometry: PoolingGeometry
) -> Tensor {
  defer { extendLifetime(gradient.storage) }
  let (source, channels) = (gradient.pointer, geometry.images[3])
  return Tensor(geometry.images, format) { out in
    winners.withUnsafeBufferPointer { winners in
      geometry.forEachImage { image in
        let room = out.floatRoom(geometry.imageLength)
        (out + image * geometry.imageLength).writeFloats(geometry.imageLength, in: room) { target in
          target.update(repeating: 0, count: geometry.imageLength)
          let begin = image * geometry.resultLength
          for position in stride(from: begin, to: begin + geometry.resultLength, by: channels) {
            for channel in 0..<channels {
              target[Int(winners[position + channel]) * channels + channel] +=
                source[position + channel]
            }
          }
        }
      }
    }
  }
}

/// The sum of each window of images times `scale`; or, for results, each one times `scale` added to
/// every pixel of its window, which is the transpose.
func windowSums(
  _ x: Tensor, _ geometry: PoolingGeometry, scale: Float, isTransposed: Bool = false
) -> Tensor {
  defer { extendLifetime(x.storage) }
  let (source, channels) = (x.pointer, geometry.images[3])
  let (images, results) = (geometry.imageLength, geometry.resultLength)
  let (from, to) = isTransposed ? (results, images) : (images, results)
  return Tensor(isTransposed ? geometry.images : geometry.resultShape) { out in
    geometry.forEachImage { image in
      let (values, sums) = (source + image * from, out + image * to)
      sums.update(repeating: 0, count: to)
      geometry.forEachPixel { position, pixel in
        let value = values + (isTransposed ? position : pixel) * channels
        let sum = sums + (isTransposed ? pixel : position) * channels
        for channel in 0..<channels { sum[channel] += value[channel] * scale }
      }
    }
  }
}
