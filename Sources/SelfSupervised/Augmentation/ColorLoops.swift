/// The weights of red, green and blue in grey, as torchvision has them.
let grayWeights: (red: Float, green: Float, blue: Float) = (0.2989, 0.587, 0.114)

/// A change of one pixel, which depends on no other pixel.
private enum PixelStep {
  case blend(scale: Float, offset: Float)
  case saturation(Float)
  case hue(Float)
}

/// Makes `adjustments` in pixels[pixelCount, 3], in as few passes over memory as there can be: one,
/// and one more for each change of contrast, which needs the mean of what came before.
func adjustColors(
  _ pixels: UnsafeMutablePointer<Float>, pixelCount: Int, _ adjustments: [ColorAdjustment]
) {
  var steps: [PixelStep] = []
  steps.reserveCapacity(adjustments.count)
  for adjustment in adjustments {
    switch adjustment {
    case .brightness(let factor): steps.append(.blend(scale: factor, offset: 0))
    case .saturation(let factor): steps.append(.saturation(factor))
    case .hue(let turn): steps.append(.hue(turn))
    case .contrast(let factor):
      let gray = apply(steps, to: pixels, pixelCount: pixelCount, measuringGray: true)
      let mean = Float(gray / Double(pixelCount))
      steps = [.blend(scale: factor, offset: mean * (1 - factor))]
    }
  }
  apply(steps, to: pixels, pixelCount: pixelCount, measuringGray: false)
}

/// Makes the changes that do not need three channels in values[count].
func adjustValues(
  _ values: UnsafeMutablePointer<Float>, count: Int, _ adjustments: [ColorAdjustment]
) {
  for adjustment in adjustments {
    switch adjustment {
    case .brightness(let factor): blend(values, count: count, scale: factor, offset: 0)
    case .contrast(let factor):
      var total = 0.0
      for index in 0..<count { total += Double(values[index]) }
      let mean = Float(total / Double(count))
      blend(values, count: count, scale: factor, offset: mean * (1 - factor))
    case .saturation, .hue: break
    }
  }
}

/// Makes `steps` in pixels[pixelCount, 3] and gives the sum of the grey values afterwards.
@discardableResult
private func apply(
  _ steps: [PixelStep], to pixels: UnsafeMutablePointer<Float>, pixelCount: Int,
  measuringGray: Bool
) -> Double {
  let blockSize = 256  // three planes of it are 3 KB and stay in the first-level cache
  return withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * blockSize) { scratch in
    guard let planes = scratch.baseAddress else { return 0 }
    var gray = 0.0
    var start = 0
    while start < pixelCount {
      let count = min(blockSize, pixelCount - start)
      let block = PlanarBlock(
        red: planes, green: planes + blockSize, blue: planes + 2 * blockSize, count: count)
      block.read(pixels + 3 * start)
      for step in steps { block.apply(step) }
      if measuringGray { gray += Double(block.graySum) }
      if !steps.isEmpty { block.write(pixels + 3 * start) }
      start += count
    }
    return gray
  }
}

/// A run of pixels with each colour on its own: red[count], green[count], blue[count].
private struct PlanarBlock {
  let red: UnsafeMutablePointer<Float>
  let green: UnsafeMutablePointer<Float>
  let blue: UnsafeMutablePointer<Float>
  let count: Int

  func read(_ pixels: UnsafePointer<Float>) {
    for index in 0..<count {
      red[index] = pixels[3 &* index]
      green[index] = pixels[3 &* index &+ 1]
      blue[index] = pixels[3 &* index &+ 2]
    }
  }

  func write(_ pixels: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      pixels[3 &* index] = red[index]
      pixels[3 &* index &+ 1] = green[index]
      pixels[3 &* index &+ 2] = blue[index]
    }
  }

  func apply(_ step: PixelStep) {
    switch step {
    case .blend(let scale, let offset):
      blend(red, count: count, scale: scale, offset: offset)
      blend(green, count: count, scale: scale, offset: offset)
      blend(blue, count: count, scale: scale, offset: offset)
    case .saturation(let factor): saturate(factor)
    case .hue(let turn): turnHue(turn)
    }
  }

  var graySum: Float {
    var sum: Float = 0
    for index in 0..<count { sum += gray(red[index], green[index], blue[index]) }
    return sum
  }

  func saturate(_ factor: Float) {
    for index in 0..<count {
      let (r, g, b) = (red[index], green[index], blue[index])
      let offset = gray(r, g, b) * (1 - factor)
      red[index] = clipped(r * factor + offset)
      green[index] = clipped(g * factor + offset)
      blue[index] = clipped(b * factor + offset)
    }
  }

  /// With the hue h in sixths of the circle and c = max - min, each colour is max - c · fade(h),
  /// where fade is 0 near the colour's own place on the circle, 1 across from it and straight in
  /// between.
  func turnHue(_ turn: Float) {
    for index in 0..<count {
      let (r, g, b) = (red[index], green[index], blue[index])
      let high = larger(larger(r, g), b)
      let chroma = high - smaller(smaller(r, g), b)
      // Grey has no hue, and 0 · scale gives it one without a branch.
      let scale = 1 / larger(chroma, .leastNormalMagnitude)
      let fromRed = (g - b) * scale
      let fromGreen = (b - r) * scale + 2
      let fromBlue = (r - g) * scale + 4
      var hue = (high == r ? fromRed : high == g ? fromGreen : fromBlue) + 6 * turn
      hue = hue < 0 ? hue + 6 : hue
      hue = hue >= 6 ? hue - 6 : hue
      red[index] = clipped(high - chroma * clipped(2 - abs(hue - 3)))
      green[index] = clipped(high - chroma * clipped(abs(hue - 2) - 1))
      blue[index] = clipped(high - chroma * clipped(abs(hue - 4) - 1))
    }
  }
}

/// values[count] = values · scale + offset, clipped
func blend(_ values: UnsafeMutablePointer<Float>, count: Int, scale: Float, offset: Float) {
  for index in 0..<count { values[index] = clipped(values[index] * scale + offset) }
}

/// pixels[count, 3] with each colour replaced by the pixel's grey
func removeColor(_ pixels: UnsafeMutablePointer<Float>, count: Int) {
  for index in 0..<count {
    let pixel = pixels + 3 &* index
    let value = gray(pixel[0], pixel[1], pixel[2])
    (pixel[0], pixel[1], pixel[2]) = (value, value, value)
  }
}

@inline(__always)
private func gray(_ red: Float, _ green: Float, _ blue: Float) -> Float {
  red * grayWeights.red + green * grayWeights.green + blue * grayWeights.blue
}

// Comparisons rather than Float.minimum and maximum: these become one vector instruction each.
@inline(__always)
private func larger(_ a: Float, _ b: Float) -> Float { a > b ? a : b }

@inline(__always)
private func smaller(_ a: Float, _ b: Float) -> Float { a < b ? a : b }

@inline(__always)
func clipped(_ value: Float) -> Float { smaller(larger(value, 0), 1) }
