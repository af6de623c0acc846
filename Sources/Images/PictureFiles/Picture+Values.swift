import Files
import Tensor

// MARK: - Samples as values 0...1

extension Picture {
  /// line[width, channels] = a row, as values 0...1.
  func read(_ row: Int, into line: UnsafeMutablePointer<Float>) {
    bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      let samples = start + row * size.width * layout.byteCount
      if layout.hasInks { return readInks(samples, into: line) }
      // A constant in each branch, so that the loops have no switch within.
      switch layout.sample {
      case .uint8: read(samples, .uint8, into: line)
      case .uint16: read(samples, .uint16, into: line)
      case .float32: read(samples, .float32, into: line)
      case .float64: read(samples, .float64, into: line)
      }
    }
  }

  @inline(__always)
  private func read(
    _ samples: UnsafeRawPointer, _ type: SampleType, into line: UnsafeMutablePointer<Float>
  ) {
    let (width, channels, count) = (size.width, layout.channels, layout.sampleCount)
    let (low, high) = (options.valueRange?.lowerBound ?? 0, options.valueRange?.upperBound)
    let extent = (high ?? type.full) - low
    guard layout.opacity != .none else {
      for index in 0..<width * channels { line[index] = (type.load(samples, index) - low) / extent }
      if high != nil { clip(line, count: width * channels) }
      return
    }
    for pixel in 0..<width {
      for channel in 0..<channels {
        line[pixel * channels + channel] =
          (type.load(samples, pixel * count + channel) - low) / extent
      }
    }
    if high != nil { clip(line, count: width * channels) }
    let behind = background
    for pixel in 0..<width {
      let opacity = type.load(samples, pixel * count + channels) / type.full
      guard opacity < 1 else { continue }
      blend(line + pixel * channels, opacity, onto: behind)
    }
  }

  /// What shows through, of as many channels as the picture; nil if colors are as stored.
  private var background: [Float]? {
    guard case .color(let red, let green, let blue) = options.background else { return nil }
    return layout.channels == 3
      ? [red, green, blue]
      : Array(repeating: luma(red, green, blue), count: layout.channels)
  }

  /// One pixel on what shows through it.
  @inline(__always)
  private func blend(
    _ pixel: UnsafeMutablePointer<Float>, _ opacity: Float, onto behind: [Float]?
  ) {
    let isMultiplied = layout.opacity == .premultiplied
    for channel in 0..<layout.channels {
      guard let behind else {
        if isMultiplied { pixel[channel] = opacity > 0 ? min(1, pixel[channel] / opacity) : 0 }
        continue
      }
      let own = isMultiplied ? pixel[channel] : opacity * pixel[channel]
      pixel[channel] = own + (1 - opacity) * behind[channel]
    }
  }

  private func readInks(_ samples: UnsafeRawPointer, into line: UnsafeMutablePointer<Float>) {
    let pixels = samples.assumingMemoryBound(to: UInt8.self)
    for index in 0..<size.width {
      let black = Int(pixels[4 * index + 3])
      for ink in 0..<3 {
        let color = (Int(pixels[4 * index + ink]) * black + 127) / 255
        line[3 * index + ink] = Float(color) / 255
      }
    }
  }

  private func clip(_ line: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count { line[index] = max(0, min(1, line[index])) }
  }

  /// The picture as values 0...1.
  var image: PixelImage {
    PixelImage(size: size, channels: layout.channels) { out in
      guard let out = out.baseAddress else { return }
      for row in 0..<size.height { read(row, into: out + row * size.width * layout.channels) }
    }
  }
}

/// The brightness of a color.
func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
  0.299 * red + 0.587 * green + 0.114 * blue
}

// MARK: - What the samples are

extension Picture {
  /// Whether a background shows through some pixels.
  var isTransparent: Bool {
    guard layout.opacity != .none, options.background != .stored else { return false }
    let (count, type) = (layout.sampleCount, layout.sample)
    return bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      return (0..<size.height * size.width).contains {
        type.load(start, $0 * count + layout.channels) < type.full
      }
    }
  }

  /// Throws if a file of floats has others than can be shown.
  ///
  /// - Throws: ``FileError`` if a value is not finite, or outside of 0...1 where no range says
  ///   what becomes of it.
  func checkValues(_ file: PictureFile, range: ClosedRange<Float>?) throws {
    guard layout.sample.isFloat else { return }
    let (low, high, isFinite) = extremes
    guard isFinite else {
      throw file.damage("needs finite values; it has some that are NaN or infinite")
    }
    guard range == nil, low < 0 || high > 1 else { return }
    throw file.damage(
      "needs values in 0...1, or a range of values that becomes 0...1 (valueRange, --range); it has "
        + "\(low)...\(high)")
  }

  private var extremes: (low: Float, high: Float, isFinite: Bool) {
    var (low, high, isFinite) = (Float.infinity, -Float.infinity, true)
    let type = layout.sample
    bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      for index in 0..<size.height * size.width * layout.sampleCount {
        let value = type.load(start, index)
        isFinite = isFinite && value.isFinite
        low = min(low, value)
        high = max(high, value)
      }
    }
    return (low, high, isFinite)
  }
}
