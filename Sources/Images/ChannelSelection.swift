import Tensor

extension PixelImage {
  /// Some channels of the picture, in the given order.
  ///
  /// - Precondition: There is a channel, and every number is one of the picture's, counted from 0.
  public func selecting(channels selected: [Int]) -> PixelImage {
    precondition(
      !selected.isEmpty && selected.allSatisfy((0..<channels).contains),
      "selecting needs channels in 0..<\(channels); got \(selected)")
    let (count, channels) = (height * width, channels)
    return pixels.withUnsafeBufferPointer { pixels in
      PixelImage(size: size, channels: selected.count) { out in
        for pixel in 0..<count {
          for (place, channel) in selected.enumerated() {
            out[pixel * selected.count + place] = pixels[pixel * channels + channel]
          }
        }
      }
    }
  }

  /// The picture as a screen shows it: the given channels as red, green and blue, or as gray if it
  /// is one; where none are given, the first three, or the first if there are fewer.
  ///
  /// - Precondition: One or three channels are given, or none.
  package func shown(_ selected: [Int]? = nil) -> PixelImage {
    guard let selected else {
      return [1, 3].contains(channels) ? self : selecting(channels: channels < 3 ? [0] : [0, 1, 2])
    }
    precondition(
      [1, 3].contains(selected.count), "shown needs one channel or three; got \(selected)")
    return selecting(channels: selected)
  }
}
