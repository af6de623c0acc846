import Foundation
import SelfSupervised
import Tensor

// The augmentations once more, pixel by pixel and in double precision, from their definitions.

private func made(
  _ size: Size2D, _ channels: Int, _ value: (_ row: Int, _ column: Int, _ channel: Int) -> Double
) -> PixelImage {
  var values: [Float] = []
  for row in 0..<size.height {
    for column in 0..<size.width {
      for channel in 0..<channels { values.append(Float(value(row, column, channel))) }
    }
  }
  return PixelImage(Tensor(values, shape: [size.height, size.width, channels]))
}

/// Every new pixel is the mean of all old ones, weighted by the curve at their distance.
func slowResize(
  _ image: PixelImage, from region: Region, to size: Size2D, _ interpolation: Interpolation
) -> PixelImage {
  func curve(_ x: Double) -> Double {
    if interpolation == .bilinear { return max(0, 1 - abs(x)) }
    let t = abs(x)
    let a = -0.5
    if t <= 1 { return (a + 2) * pow(t, 3) - (a + 3) * pow(t, 2) + 1 }
    return t < 2 ? a * pow(t, 3) - 5 * a * pow(t, 2) + 8 * a * t - 4 * a : 0
  }
  func weights(_ old: Int, _ new: Int) -> [[Double]] {
    let scale = Double(old) / Double(new)
    return (0..<new).map { index in
      let heights = (0..<old).map {
        curve((Double($0) + 0.5 - scale * (Double(index) + 0.5)) / max(1, scale))
      }
      return heights.map { $0 / heights.reduce(0, +) }
    }
  }
  let rows = weights(region.size.height, size.height)
  let columns = weights(region.size.width, size.width)
  return made(size, image.channels) { row, column, channel in
    var sum = 0.0
    for i in 0..<region.size.height where rows[row][i] != 0 {
      for j in 0..<region.size.width where columns[column][j] != 0 {
        sum +=
          rows[row][i] * columns[column][j]
          * Double(image[region.top + i, region.left + j, channel])
      }
    }
    return sum
  }
}

/// Every new pixel is the weighted sum of a square around the old one.
func slowBlur(_ image: PixelImage, taps: [Float], padding: GaussianBlur.Padding) -> PixelImage {
  func mirrored(_ position: Int, _ length: Int) -> Int? {
    var position = position
    while position < 0 || position >= length {
      if padding == .zero { return nil }
      if length == 1 { return 0 }
      position = position < 0 ? -position : 2 * (length - 1) - position
    }
    return position
  }
  let radius = taps.count / 2
  return made(image.size, image.channels) { row, column, channel in
    var sum = 0.0
    for i in -radius...radius {
      for j in -radius...radius {
        guard let y = mirrored(row + i, image.height), let x = mirrored(column + j, image.width)
        else { continue }
        sum += Double(taps[i + radius] * taps[j + radius]) * Double(image[y, x, channel])
      }
    }
    return sum
  }
}

/// Red, green and blue to hue, saturation and value, a turn of the hue, and back by sextants.
func slowHue(_ image: PixelImage, turn: Double) -> PixelImage {
  made(image.size, 3) { row, column, channel in
    let (r, g, b) = (
      Double(image[row, column, 0]), Double(image[row, column, 1]), Double(image[row, column, 2])
    )
    let (high, low) = (max(r, g, b), min(r, g, b))
    guard high > low else { return high }
    let degree =
      high == r
      ? (g - b) / (high - low)
      : high == g ? 2 + (b - r) / (high - low) : 4 + (r - g) / (high - low)
    var hue = (degree / 6 + turn).truncatingRemainder(dividingBy: 1)
    if hue < 0 { hue += 1 }
    let (sextant, saturation) = (Int(hue * 6) % 6, (high - low) / high)
    let fraction = hue * 6 - floor(hue * 6)
    let p = high * (1 - saturation)
    let q = high * (1 - saturation * fraction)
    let t = high * (1 - saturation * (1 - fraction))
    let colors = [
      [high, t, p], [q, high, p], [p, high, t], [p, q, high], [t, p, high], [high, p, q],
    ]
    return colors[sextant][channel]
  }
}

/// Every value between itself and `other`, clipped.
func slowBlend(_ image: PixelImage, _ factor: Float, _ other: (_ row: Int, _ column: Int) -> Double)
  -> PixelImage
{
  made(image.size, image.channels) { row, column, channel in
    let value = Double(image[row, column, channel]) * Double(factor)
    return min(1, max(0, value + other(row, column) * Double(1 - factor)))
  }
}

/// The grey of a pixel; for an image that does not have three channels, the mean of its channels.
func slowGray(_ image: PixelImage, _ row: Int, _ column: Int) -> Double {
  let channels = (0..<image.channels).map { Double(image[row, column, $0]) }
  if channels.count == 3 { return 0.2989 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2] }
  return channels.reduce(0, +) / Double(channels.count)
}
