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

  /// Calls `body` for each pixel of each window of one image: where the result is and the pixel is,
  /// in pixels from the start of the image, and whether the pixel is the window's first.
  @inline(__always)
  func forEachPixel(_ body: (_ result: Int, _ pixel: Int, _ isFirst: Bool) -> Void) {
    for oy in 0..<output.height {
      for ox in 0..<output.width {
        let (top, left) = (oy * stride.height - padding.height, ox * stride.width - padding.width)
        var isFirst = true
        for y in max(0, top)..<min(images[1], top + window.height) {
          for x in max(0, left)..<min(images[2], left + window.width) {
            body(oy * output.width + ox, y * images[2] + x, isFirst)
            isFirst = false
          }
        }
      }
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
  let (source, channels) = (x.pointer, geometry.images[3])
  var result = Tensor.zeros([])
  let winners = [Int32](unsafeUninitializedCapacity: geometry.resultShape.elementCount) {
    buffer, count in
    count = geometry.resultShape.elementCount
    guard let winners = buffer.baseAddress else { return }
    result = Tensor(geometry.resultShape) { out in
      geometry.forEachImage { image in
        let values = source + image * geometry.imageLength
        geometry.forEachPixel { position, pixel, isFirst in
          let target = image * geometry.resultLength + position * channels
          let (best, winner) = (out + target, winners + target)
          let (candidate, mark) = (values + pixel * channels, Int32(truncatingIfNeeded: pixel))
          if isFirst {
            best.update(from: candidate, count: channels)
            winner.update(repeating: mark, count: channels)
          } else {
            keepLarger(candidate, mark, count: channels, best: best, winner: winner)
          }
        }
      }
    }
  }
  return (result, winners)
}

/// best[c], winner[c] = values[c], mark where values[c] is larger or NaN.
@inline(__always)
private func keepLarger(
  _ values: UnsafePointer<Float>, _ mark: Int32, count: Int, best: UnsafeMutablePointer<Float>,
  winner: UnsafeMutablePointer<Int32>
) {
  typealias Floats = SIMD8<Float>
  // Explicit vectors: the compiler turns a plain loop into a branch for each element.
  let whole = count & ~7
  for start in stride(from: 0, to: whole, by: 8) {
    let (highest, marks) = (
      UnsafeMutableRawPointer(best + start), UnsafeMutableRawPointer(winner + start)
    )
    let new = UnsafeRawPointer(values + start).loadUnaligned(as: Floats.self)
    let old = highest.loadUnaligned(as: Floats.self)
    let isLarger = (new .> old) .| (new .!= new)
    highest.storeBytes(of: old.replacing(with: new, where: isLarger), as: Floats.self)
    let oldMarks = marks.loadUnaligned(as: SIMD8<Int32>.self)
    marks.storeBytes(of: oldMarks.replacing(with: mark, where: isLarger), as: SIMD8<Int32>.self)
  }
  for index in whole..<count where values[index] > best[index] || values[index].isNaN {
    (best[index], winner[index]) = (values[index], mark)
  }
}

/// The gradient of each result added to the pixel that won it.
func maxPoolGradient(_ gradient: Tensor, winners: [Int32], _ geometry: PoolingGeometry) -> Tensor {
  defer { extendLifetime(gradient.storage) }
  let (source, channels) = (gradient.pointer, geometry.images[3])
  return Tensor(geometry.images) { out in
    winners.withUnsafeBufferPointer { winners in
      geometry.forEachImage { image in
        let target = out + image * geometry.imageLength
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
      geometry.forEachPixel { position, pixel, _ in
        let value = values + (isTransposed ? position : pixel) * channels
        let sum = sums + (isTransposed ? pixel : position) * channels
        for channel in 0..<channels { sum[channel] += value[channel] * scale }
      }
    }
  }
}
