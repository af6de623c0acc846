import Tensor

/// The image with each channel shifted and scaled: (x - mean) / standard deviation.
public struct Normalize: Augmentation {
  /// The mean of each channel, or one for all.
  public let mean: [Float]
  /// The standard deviation of each channel, or one for all.
  public let standardDeviation: [Float]
  private let averagesForOtherChannelCounts: Bool

  /// Brings channels of the given means and standard deviations to mean 0 and deviation 1.
  ///
  /// - Precondition: There are as many means as standard deviations, and these are above zero.
  public init(mean: [Float], standardDeviation: [Float]) {
    self.init(mean, standardDeviation, averagesForOtherChannelCounts: false)
  }

  private init(
    _ mean: [Float], _ standardDeviation: [Float], averagesForOtherChannelCounts: Bool
  ) {
    precondition(
      !mean.isEmpty && mean.count == standardDeviation.count,
      "Normalize needs a mean and a standard deviation per channel; got \(mean.count) and "
        + "\(standardDeviation.count)")
    precondition(
      standardDeviation.allSatisfy { $0 > 0 },
      "Normalize needs standard deviations above zero; got \(standardDeviation)")
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.averagesForOtherChannelCounts = averagesForOtherChannelCounts
  }

  /// The means and standard deviations of ImageNet's red, green and blue.
  ///
  /// An image that does not have three channels gets the averages of these in all of them, so that
  /// presets work on greyscale images as they are.
  public static let imageNet = Normalize(
    [0.485, 0.456, 0.406], [0.229, 0.224, 0.225], averagesForOtherChannelCounts: true)

  /// What undoes this: x · standard deviation + mean, for showing a view.
  public var inverse: Normalize {
    Normalize(
      zip(mean, standardDeviation).map { -$0 / $1 }, standardDeviation.map { 1 / $0 },
      averagesForOtherChannelCounts: averagesForOtherChannelCounts)
  }

  /// `image` with its channels shifted and scaled.
  ///
  /// - Precondition: There is one mean, or one per channel of the image.
  public func callAsFunction(
    _ image: consuming Image, using stream: inout RandomStream
  ) -> Image {
    let (scales, offsets) = factors(channels: image.channels)
    return image.scaled(by: scales, adding: offsets)
  }

  /// (x - mean) / deviation as x · scale + offset, for each channel.
  private func factors(channels: Int) -> (scales: [Float], offsets: [Float]) {
    if mean.count == channels {
      return (standardDeviation.map { 1 / $0 }, zip(mean, standardDeviation).map { -$0 / $1 })
    }
    precondition(
      mean.count == 1 || averagesForOtherChannelCounts,
      "Normalize needs one mean per channel; got \(mean.count) means and \(channels) channels")
    let count = Float(mean.count)
    let (center, deviation) = (
      mean.reduce(0, +) / count, standardDeviation.reduce(0, +) / count
    )
    return (
      [Float](repeating: 1 / deviation, count: channels),
      [Float](repeating: -center / deviation, count: channels)
    )
  }
}

extension Image {
  /// This image with every value x of channel c as x · scales[c] + offsets[c].
  ///
  /// - Precondition: There is one scale and one offset per channel.
  public consuming func scaled(by scales: [Float], adding offsets: [Float]) -> Image {
    let (count, channels) = (height * width, channels)
    precondition(
      scales.count == channels && offsets.count == channels,
      "scaled needs \(channels) scales and offsets; got \(scales.count) and \(offsets.count)")
    mutate { pixels in
      scales.withUnsafeBufferPointer { scales in
        offsets.withUnsafeBufferPointer { offsets in
          guard let values = pixels.baseAddress, let scale = scales.baseAddress,
            let offset = offsets.baseAddress
          else { return }
          scalePixels(values, count: count, channels: channels, scale: scale, offset: offset)
        }
      }
    }
    return self
  }
}

/// pixels[count, channels] = pixels · scale[channels] + offset[channels]
private func scalePixels(
  _ pixels: UnsafeMutablePointer<Float>, count: Int, channels: Int,
  scale: UnsafePointer<Float>, offset: UnsafePointer<Float>
) {
  if channels == 3 {
    let (scales, offsets) = (
      (scale[0], scale[1], scale[2]), (offset[0], offset[1], offset[2])
    )
    for index in 0..<count {
      let pixel = pixels + 3 &* index
      pixel[0] = pixel[0] * scales.0 + offsets.0
      pixel[1] = pixel[1] * scales.1 + offsets.1
      pixel[2] = pixel[2] * scales.2 + offsets.2
    }
  } else {
    for index in 0..<count {
      let pixel = pixels + channels * index
      for channel in 0..<channels {
        pixel[channel] = pixel[channel] * scale[channel] + offset[channel]
      }
    }
  }
}
