import Images
import Tensor

/// The image with left and right exchanged.
public struct HorizontalFlip: SizePreserving {
  /// An exchange of left and right, always; `.applied(probability: 0.5)` makes it random.
  public init() {}

  /// `image` with left and right exchanged.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image.flippedHorizontally() }
}

/// The image with top and bottom exchanged.
public struct VerticalFlip: SizePreserving {
  /// An exchange of top and bottom, always; `.applied(probability: 0.5)` makes it random.
  public init() {}

  /// `image` with top and bottom exchanged.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image.flippedVertically() }
}

extension PixelImage {
  /// This image with left and right exchanged.
  public consuming func flippedHorizontally() -> PixelImage {
    let (height, width, channels) = (height, width, channels)
    mutate { pixels in
      guard let start = pixels.baseAddress else { return }
      for row in 0..<height {
        reversePixels(start + row * width * channels, count: width, channels: channels)
      }
    }
    return self
  }

  /// This image with top and bottom exchanged.
  public consuming func flippedVertically() -> PixelImage {
    let (height, length) = (height, width * channels)
    mutate { pixels in
      guard let start = pixels.baseAddress else { return }
      for row in 0..<height / 2 {
        exchange(start + row * length, start + (height - 1 - row) * length, count: length)
      }
    }
    return self
  }
}

/// line[count, channels] with its pixels in reverse order
private func reversePixels(_ line: UnsafeMutablePointer<Float>, count: Int, channels: Int) {
  var (front, back) = (line, line + (count - 1) * channels)
  while front < back {
    exchange(front, back, count: channels)
    front += channels
    back -= channels
  }
}

/// a[count], b[count] = b, a
@inline(__always)
private func exchange(
  _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, count: Int
) {
  for index in 0..<count { (a[index], b[index]) = (b[index], a[index]) }
}
