/// The pixels of a line that make each pixel of a resized line, and their weights.
///
/// Every window has `count` pixels, so that loops over it have one length.
package struct ResamplingWindows: Sendable {
  /// The number of pixels in a window.
  package let count: Int
  /// The first pixel of each window, in increasing order.
  ///
  /// Windows that average lie inside the line; others may reach beyond its ends, and then take the
  /// outermost pixel again.
  package let starts: [Int]
  /// The weights of each window, adding up to 1: [count of windows, count]
  package let weights: [Float]

  /// The windows of some pixels of the resized line, or of all.
  package init(
    from input: Int, to output: Int, _ interpolation: Interpolation, antialias: Bool,
    part: Range<Int>? = nil
  ) {
    let part = part ?? 0..<output
    if antialias && interpolation != .nearest {
      self.init(averaging: input, to: output, interpolation, part: part)
      return
    }
    // In single precision, as torch computes positions; pixel centres are at half-integers.
    let scale = Float(input) / Float(output)
    switch interpolation {
    case .nearest:
      self.init(
        count: 1, starts: part.map { min(Int(Float($0) * scale), input - 1) },
        weights: [Float](repeating: 1, count: part.count))
    case .bilinear:
      let positions = part.map { max(0, (Float($0) + 0.5) * scale - 0.5) }
      let starts = positions.map { min(Int($0), input - 1) }
      let shares = zip(positions, starts).map { $0 - Float($1) }
      self.init(count: 2, starts: starts, weights: shares.flatMap { [1 - $0, $0] })
    case .bicubic:
      let positions = part.map { (Float($0) + 0.5) * scale - 0.5 }
      let below = positions.map { $0.rounded(.down) }
      let shares = zip(positions, below).map { Double($0 - $1) }
      self.init(
        count: 4, starts: below.map { Int($0) - 1 },
        weights: shares.flatMap { share in (-1...2).map { Float(cubic(Double($0) - share, -0.75)) }
        })
    }
  }

  /// Windows that widen with the scale when the line shrinks: Pillow's, and torch's
  /// `antialias=True`.
  private init(
    averaging input: Int, to output: Int, _ interpolation: Interpolation, part: Range<Int>
  ) {
    let scale = Double(input) / Double(output)
    let stretch = max(scale, 1)
    let support = (interpolation == .bicubic ? 2 : 1) * stretch
    let windows = part.map { index in
      let center = scale * (Double(index) + 0.5)
      let start = max(0, Int(center - support + 0.5))
      return (center, start, end: min(input, Int(center + support + 0.5)))
    }
    let count = windows.reduce(1) { max($0, $1.end - $1.1) }
    self.count = count
    starts = windows.map { min($0.1, input - count) }
    weights = [Float](unsafeUninitializedCapacity: part.count * count) { weights, written in
      for (index, window) in windows.enumerated() {
        let row = index * count
        var total = 0.0
        for tap in 0..<count {
          let position = min(window.1, input - count) + tap
          let isInside = position >= window.1 && position < window.end
          let distance = (Double(position) - window.0 + 0.5) / stretch
          let weight =
            !isInside
            ? 0 : interpolation == .bicubic ? cubic(distance, -0.5) : max(0, 1 - abs(distance))
          total += weight
          weights[row + tap] = Float(weight)
        }
        for tap in 0..<count { weights[row + tap] /= Float(total) }
      }
      written = part.count * count
    }
  }

  private init(count: Int, starts: [Int], weights: [Float]) {
    (self.count, self.starts, self.weights) = (count, starts, weights)
  }

  /// The same windows with all of their pixels inside a line of `length`.
  package func folded(into length: Int) -> ResamplingWindows {
    let inside = min(count, length)
    if count == inside && starts.allSatisfy({ $0 >= 0 && $0 + count <= length }) { return self }
    let starts = self.starts.map { min(max($0, 0), length - inside) }
    var weights = [Float](repeating: 0, count: starts.count * inside)
    for (index, start) in starts.enumerated() {
      for tap in 0..<count {
        let pixel = min(max(self.starts[index] + tap, 0), length - 1)
        weights[index * inside + pixel - start] += self.weights[index * count + tap]
      }
    }
    return ResamplingWindows(count: inside, starts: starts, weights: weights)
  }

  /// Calls `body` with each pixel of a window on a line of `length`, and its weight.
  @inline(__always)
  fileprivate func forEach(in window: Int, of length: Int, _ body: (Int, Float) -> Void) {
    for tap in 0..<count {
      body(min(max(starts[window] + tap, 0), length - 1), weights[window * count + tap])
    }
  }
}

/// Keys' cubic at `distance`: -1/2 for `a` is Pillow's, -3/4 torch's where nothing is averaged.
@inline(__always)
private func cubic(_ distance: Double, _ a: Double) -> Double {
  let x = abs(distance)
  if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}

/// out[n, y, x, c] = the pixels of images[n, h, w, c] in the windows of y and x, weighted.
func resampled(_ images: Tensor, _ rows: ResamplingWindows, _ columns: ResamplingWindows)
  -> Tensor
{
  defer { extendLifetime(images.storage) }
  let (count, height, width, channels) = images.shape.dimensions4
  let (source, size) = (images.pointer, (rows.starts.count, columns.starts.count))
  let length = size.1 * channels
  return Tensor([count, size.0, size.1, channels]) { out in
    Parallel.forRanges(count * size.0, grain: max(1, Tuning.parallelGrain / 4 / (length + 1))) {
      range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { line in
        guard let line = line.baseAddress else { return }
        for position in range {
          let (image, y) = (position / size.0, position % size.0)
          var isFirst = true
          rows.forEach(in: y, of: height) { row, weight in
            let pixels = source + (image * height + row) * width * channels
            for x in 0..<size.1 {
              weightedPixel(pixels, columns, x, width, channels, into: line + x * channels)
            }
            add(line, weight, to: out + position * length, length, isFirst: isFirst)
            isFirst = false
          }
        }
      }
    }
  }
}

/// out[channels] = the pixels of line[width, channels] in a window, weighted
private func weightedPixel(
  _ line: UnsafePointer<Float>, _ windows: ResamplingWindows, _ window: Int, _ width: Int,
  _ channels: Int, into out: UnsafeMutablePointer<Float>
) {
  var isFirst = true
  windows.forEach(in: window, of: width) { pixel, weight in
    add(line + pixel * channels, weight, to: out, channels, isFirst: isFirst)
    isFirst = false
  }
}

/// sum[count] = x[count] · weight, and what was in the sum unless this is the first
@inline(__always)
private func add(
  _ x: UnsafePointer<Float>, _ weight: Float, to sum: UnsafeMutablePointer<Float>, _ count: Int,
  isFirst: Bool
) {
  if isFirst {
    for index in 0..<count { sum[index] = x[index] * weight }
  } else {
    for index in 0..<count { sum[index] += x[index] * weight }
  }
}

/// The gradient of every output added to the pixels of its windows, by the same weights.
func resamplingGradient(
  _ gradient: Tensor, _ rows: ResamplingWindows, _ columns: ResamplingWindows,
  into shape: TensorShape
) -> Tensor {
  defer { extendLifetime(gradient.storage) }
  let (count, height, width, channels) = shape.dimensions4
  let (source, size) = (gradient.pointer, (rows.starts.count, columns.starts.count))
  return Tensor(shape) { out in
    Parallel.forEach(count) { image in
      let target = out + image * height * width * channels
      target.update(repeating: 0, count: height * width * channels)
      for y in 0..<size.0 {
        for x in 0..<size.1 {
          let value = source + ((image * size.0 + y) * size.1 + x) * channels
          rows.forEach(in: y, of: height) { row, down in
            columns.forEach(in: x, of: width) { column, across in
              let weight = down * across
              guard weight != 0 else { return }
              let pixel = target + (row * width + column) * channels
              for channel in 0..<channels { pixel[channel] += value[channel] * weight }
            }
          }
        }
      }
    }
  }
}
