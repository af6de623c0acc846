/// Resizes an image, along the rows and then down the columns.
///
/// Rows are shortened or lengthened when the first output row needs them and kept while another may,
/// so the rows in work stay in the cache.
package struct Resampler {
  /// From the image's width to the new one.
  let columns: ResampleTaps
  /// From the image's height to the new one.
  let rows: ResampleTaps
  let source: Size2D
  let target: Size2D
  let channels: Int

  /// From `source` to `size`, of which all is wanted or some part.
  package init(
    from source: Size2D, to size: Size2D, part: Region? = nil, channels: Int,
    _ interpolation: ResizeFilter = .bilinear
  ) {
    let part = part ?? .whole(size)
    columns = ResampleTaps(
      from: source.width, to: size.width, interpolation,
      part: part.left..<(part.left + part.size.width))
    rows = ResampleTaps(
      from: source.height, to: size.height, interpolation,
      part: part.top..<(part.top + part.size.height))
    (self.source, target, self.channels) = (source, part.size, channels)
  }

  // A vector of four is read and written at each pixel, whatever the number of channels.
  private var overrun: Int { 3 }
  private var inputLength: Int { source.width * channels }
  private var outputLength: Int { target.width * channels }

  /// out[target height, target width, channels] from rows[source width, channels], which `read` writes one
  /// by one
  package func run(
    into out: UnsafeMutablePointer<Float>,
    read: (_ row: Int, _ line: UnsafeMutablePointer<Float>) -> Void
  ) {
    let slotLength = outputLength + overrun
    let scratchLength = inputLength + overrun + rows.count * slotLength
    withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchLength) { scratch in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: rows.count) { window in
        guard let line = scratch.baseAddress, let window = window.baseAddress else { return }
        line.initialize(repeating: 0, count: scratchLength)
        let slots = line + inputLength + overrun
        run(read, line: line, slots: slots, window: window, into: out)
      }
    }
  }

  /// slots[rows.count, target width · channels + overrun]: row i of the source, resized, is in slot
  /// i modulo rows.count
  private func run(
    _ read: (Int, UnsafeMutablePointer<Float>) -> Void, line: UnsafeMutablePointer<Float>,
    slots: UnsafeMutablePointer<Float>, window: UnsafeMutablePointer<UnsafePointer<Float>>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let slotLength = outputLength + overrun
    var next = 0
    rows.weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
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
        weightedSum(
          of: window, weights: weights + y * rows.count, count: rows.count,
          into: out + y * outputLength, length: outputLength)
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

extension Image {
  /// This image's `region`, resized to `size`.
  ///
  /// - Precondition: The region lies inside the image.
  public func resized(
    from region: Region, to size: Size2D, _ interpolation: ResizeFilter = .bilinear
  ) -> Image {
    precondition(
      region.fits(in: self.size), "resized needs a region inside \(self.size); got \(region)")
    precondition(
      size.height > 0 && size.width > 0, "resized needs a size of at least 1x1; got \(size)")
    if region.size == size { return cropped(to: region) }
    let resampler = Resampler(from: region.size, to: size, channels: channels, interpolation)
    let stride = width * channels
    return pixels.withUnsafeBufferPointer { source in
      Image(size: size, channels: channels) { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        let start = source + region.top * stride + region.left * channels
        resampler.run(into: out) { row, line in
          line.update(from: start + row * stride, count: region.size.width * channels)
        }
      }
    }
  }

  /// This image, resized to `size`.
  public func resized(to size: Size2D, _ interpolation: ResizeFilter = .bilinear) -> Image {
    resized(from: .whole(self.size), to: size, interpolation)
  }

  /// This image's `region`.
  ///
  /// - Precondition: The region lies inside the image.
  public func cropped(to region: Region) -> Image {
    precondition(region.fits(in: size), "cropped needs a region inside \(size); got \(region)")
    if region == .whole(size) { return self }
    let (stride, length) = (width * channels, region.size.width * channels)
    return pixels.withUnsafeBufferPointer { source in
      Image(size: region.size, channels: channels) { out in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        let start = source + region.top * stride + region.left * channels
        for row in 0..<region.size.height {
          (out + row * length).update(from: start + row * stride, count: length)
        }
      }
    }
  }
}
