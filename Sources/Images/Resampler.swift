import Tensor

/// Resizes an image, along the rows and then down the columns.
///
/// Rows are shortened or lengthened when the first output row needs them and kept while another
/// may, so the rows in work stay in the cache.
struct Resampler {
  /// From the image's width to the new one.
  private let columns: ResamplingWindows
  /// From the image's height to the new one.
  private let rows: ResamplingWindows
  let source: Size2D
  let target: Size2D
  let channels: Int

  /// From `source` to `size`: all of the resized image, or a part of it.
  init(
    from source: Size2D, to size: Size2D, part: Region? = nil, channels: Int,
    _ interpolation: Interpolation = .bilinear, antialias: Bool = true
  ) {
    let part = part ?? .whole(size)
    func windows(_ old: Int, _ new: Int, _ start: Int, _ count: Int) -> ResamplingWindows {
      let windows = ResamplingWindows(
        from: old, to: new, interpolation, antialias: antialias, part: start..<start + count)
      return antialias ? windows : windows.folded(into: old)
    }
    columns = windows(source.width, size.width, part.left, part.size.width)
    rows = windows(source.height, size.height, part.top, part.size.height)
    (self.source, target, self.channels) = (source, part.size, channels)
  }

  // A vector of four is read and written at each pixel, whatever the number of channels.
  private var overrun: Int { 3 }
  private var inputLength: Int { source.width * channels }
  private var outputLength: Int { target.width * channels }

  /// out[target height, target width, channels] from rows[source width, channels], which `read`
  /// writes one by one
  func run(
    into out: UnsafeMutablePointer<Float>,
    read: (_ row: Int, _ line: UnsafeMutablePointer<Float>) -> Void
  ) { run(read: read, place: { row, _ in out + row * outputLength }, finish: { _, _ in }) }

  /// The same row by row: `finish` may change a finished line[target width, channels].
  func run(
    read: (_ row: Int, _ line: UnsafeMutablePointer<Float>) -> Void,
    finish: (_ row: Int, _ line: UnsafeMutablePointer<Float>) -> Void
  ) { run(read: read, place: { $1 }, finish: finish) }

  /// Row i of the source, resized, is in slot i modulo rows.count of
  /// slots[rows.count, target width · channels + overrun].
  private func run(
    read: (Int, UnsafeMutablePointer<Float>) -> Void,
    place: (_ row: Int, _ spare: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float>,
    finish: (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let slotLength = outputLength + overrun
    let scratchLength = inputLength + overrun + (rows.count + 1) * slotLength
    withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchLength) { scratch in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: rows.count) { window in
        rows.weights.withUnsafeBufferPointer { weights in
          guard let line = scratch.baseAddress, let window = window.baseAddress,
            let weights = weights.baseAddress
          else { return }
          line.initialize(repeating: 0, count: scratchLength)
          let slots = line + inputLength + overrun
          var next = 0
          for y in 0..<target.height {
            let start = rows.starts[y]
            next = max(next, start)
            while next < start + rows.count {
              read(next, line)
              resizeLine(line, into: slots + next % rows.count * slotLength)
              next += 1
            }
            for tap in 0..<rows.count {
              window[tap] = UnsafePointer(slots + (start + tap) % rows.count * slotLength)
            }
            let out = place(y, slots + rows.count * slotLength)
            weightedSum(
              of: window, weights: weights + y * rows.count, count: rows.count, into: out,
              length: outputLength)
            finish(y, out)
          }
        }
      }
    }
  }

  /// out[target width, channels] from line[source width, channels], both with `overrun` to spare
  private func resizeLine(_ line: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>) {
    let (count, channels) = (columns.count, channels)
    columns.weights.withUnsafeBufferPointer { weights in
      columns.starts.withUnsafeBufferPointer { starts in
        guard var weight = weights.baseAddress else { return }
        for x in 0..<target.width {
          var channel = 0
          // The lanes beyond the last channel spill into the next pixel, which is written later.
          while channel < channels {
            var pixel = line + (starts[x] &* channels &+ channel)
            var sum = SIMD4<Float>(repeating: 0)
            for tap in 0..<count {
              sum += load(SIMD4<Float>.self, pixel) * weight[tap]
              pixel += channels
            }
            store(sum, out + (x &* channels &+ channel))
            channel &+= 4
          }
          weight += count
        }
      }
    }
  }
}

extension PixelImage {
  /// This image's `region`, resized to `size`.
  ///
  /// - Parameters:
  ///   - region: A part of the image.
  ///   - size: The size of the result.
  ///   - interpolation: How a pixel is computed.
  ///   - antialias: Whether the curve widens as the image shrinks, so that fine detail is averaged
  ///     rather than aliased. It makes no difference to `nearest`.
  /// - Returns: An image of that size, with the channels of this one.
  /// - Precondition: The region lies inside the image.
  public func resized(
    from region: Region, to size: Size2D, _ interpolation: Interpolation = .bilinear,
    antialias: Bool = true
  ) -> PixelImage {
    precondition(
      region.fits(in: self.size), "resized needs a region inside \(self.size); got \(region)")
    precondition(
      size.height > 0 && size.width > 0, "resized needs a size of at least 1x1; got \(size)")
    if region.size == size { return cropped(to: region) }
    let resampler = Resampler(
      from: region.size, to: size, channels: channels, interpolation, antialias: antialias)
    let stride = width * channels
    return pixels.withUnsafeBufferPointer { source in
      PixelImage(size: size, channels: channels) { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        let start = source + region.top * stride + region.left * channels
        resampler.run(into: out) { row, line in
          line.update(from: start + row * stride, count: region.size.width * channels)
        }
      }
    }
  }

  /// This image, resized to `size`.
  public func resized(
    to size: Size2D, _ interpolation: Interpolation = .bilinear, antialias: Bool = true
  ) -> PixelImage {
    resized(from: .whole(self.size), to: size, interpolation, antialias: antialias)
  }

  /// This image's `region`.
  ///
  /// - Precondition: The region lies inside the image.
  public func cropped(to region: Region) -> PixelImage {
    precondition(region.fits(in: size), "cropped needs a region inside \(size); got \(region)")
    if region == .whole(size) { return self }
    let (stride, length) = (width * channels, region.size.width * channels)
    return pixels.withUnsafeBufferPointer { source in
      PixelImage(size: region.size, channels: channels) { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        let start = source + region.top * stride + region.left * channels
        for row in 0..<region.size.height {
          (out + row * length).update(from: start + row * stride, count: length)
        }
      }
    }
  }
}
