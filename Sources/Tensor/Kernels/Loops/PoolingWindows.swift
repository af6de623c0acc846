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
  var result = Tensor.zeros([])
  let winners = [Int32](unsafeUninitializedCapacity: geometry.resultShape.elementCount) {
    buffer, count in
    count = geometry.resultShape.elementCount
    guard let winners = buffer.baseAddress else { return }
    result = Tensor(geometry.resultShape, x.format) { out in
      switch x.format {
      case .float32: findLargest(x.numbers.floats, geometry, out.floats, winners)
      case .bfloat16: findLargest(x.numbers.halves, geometry, out.halves, winners)
      }
    }
  }
  return (result, winners)
}

private func findLargest<Number: Poolable>(
  _ source: UnsafePointer<Number>, _ geometry: PoolingGeometry,
  _ out: UnsafeMutablePointer<Number>, _ winners: UnsafeMutablePointer<Int32>
) {
  let channels = geometry.images[3]
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

/// best[c], winner[c] = values[c], mark where values[c] is larger or NaN.
@inline(__always)
private func keepLarger<Number: Poolable>(
  _ values: UnsafePointer<Number>, _ mark: Int32, count: Int, best: UnsafeMutablePointer<Number>,
  winner: UnsafeMutablePointer<Int32>
) {
  // Explicit vectors: the compiler turns a plain loop into a branch for each element.
  let whole = count & ~7
  for start in stride(from: 0, to: whole, by: 8) {
    let marks = UnsafeMutableRawPointer(winner + start)
    let (new, old) = (Number.eight(at: values + start), Number.eight(at: best + start))
    let isLarger = (new .> old) .| (new .!= new)
    Number.store(old.replacing(with: new, where: isLarger), at: best + start)
    let oldMarks = marks.loadUnaligned(as: SIMD8<Int32>.self)
    marks.storeBytes(of: oldMarks.replacing(with: mark, where: isLarger), as: SIMD8<Int32>.self)
  }
  for index in whole..<count {
    let (new, old) = (values[index].float, best[index].float)
    if new > old || new.isNaN { (best[index], winner[index]) = (values[index], mark) }
  }
}

/// Numbers in memory that are compared as floats.
private protocol Poolable: BitwiseCopyable {
  var float: Float { get }
  static func eight(at place: UnsafePointer<Self>) -> SIMD8<Float>
  /// Stores numbers that came from memory.
  static func store(_ numbers: SIMD8<Float>, at place: UnsafeMutablePointer<Self>)
}

extension Float: Poolable {
  fileprivate var float: Float { self }

  @inline(__always)
  fileprivate static func eight(at place: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(place).loadUnaligned(as: SIMD8<Float>.self)
  }

  @inline(__always)
  fileprivate static func store(_ numbers: SIMD8<Float>, at place: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(place).storeBytes(of: numbers, as: SIMD8<Float>.self)
  }
}

/// The upper halves of floats.
extension UInt16: Poolable {
  fileprivate var float: Float { Float(bitPattern: UInt32(self) << 16) }

  @inline(__always)
  fileprivate static func eight(at place: UnsafePointer<UInt16>) -> SIMD8<Float> {
    let halves = UnsafeRawPointer(place).loadUnaligned(as: SIMD8<UInt16>.self)
    return unsafeBitCast(
      SIMD8<UInt32>(truncatingIfNeeded: halves) &<< 16, to: SIMD8<Float>.self)
  }

  @inline(__always)
  fileprivate static func store(_ numbers: SIMD8<Float>, at place: UnsafeMutablePointer<UInt16>) {
    let words = unsafeBitCast(numbers, to: SIMD8<UInt32>.self) &>> 16
    UnsafeMutableRawPointer(place).storeBytes(
      of: SIMD8<UInt16>(truncatingIfNeeded: words), as: SIMD8<UInt16>.self)
  }
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
      geometry.forEachPixel { position, pixel, _ in
        let value = values + (isTransposed ? position : pixel) * channels
        let sum = sums + (isTransposed ? pixel : position) * channels
        for channel in 0..<channels { sum[channel] += value[channel] * scale }
      }
    }
  }
}
