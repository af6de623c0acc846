import Images
import Tensor

/// The image with each channel shifted and scaled: (x - mean) / standard deviation, or, for an
/// ``inverse``, x · standard deviation + mean.
public struct Normalize: SizePreserving {
  /// The mean of each channel, or one for all.
  public let mean: [Float]
  /// The standard deviation of each channel, or one for all.
  public let standardDeviation: [Float]
  private var averagesForOtherChannelCounts = false
  private var isInverse = false

  /// Brings channels of the given means and standard deviations to mean 0 and deviation 1.
  ///
  /// - Precondition: There are as many means as standard deviations, and these are above zero.
  public init(mean: [Float], standardDeviation: [Float]) {
    precondition(
      !mean.isEmpty && mean.count == standardDeviation.count,
      "Normalize needs a mean and a standard deviation per channel; got \(mean.count) and "
        + "\(standardDeviation.count)")
    precondition(
      standardDeviation.allSatisfy { $0 > 0 },
      "Normalize needs standard deviations above zero; got \(standardDeviation)")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// The means and standard deviations of ImageNet's red, green and blue.
  ///
  /// An image that does not have three channels gets the averages of these in all of them, so that
  /// presets work on greyscale images as they are.
  public static let imageNet = {
    var normalize = Normalize(
      mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
    normalize.averagesForOtherChannelCounts = true
    return normalize
  }()

  /// What undoes this, for showing a view.
  public var inverse: Normalize {
    var inverse = self
    inverse.isInverse.toggle()
    return inverse
  }

  /// `image` with its channels shifted and scaled.
  ///
  /// - Precondition: There is one mean, or one per channel of the image.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let channels = image.channels
    let means = expanded(mean, to: channels)
    let deviations = expanded(standardDeviation, to: channels)
    if isInverse { return image.scaled(by: deviations, adding: means) }
    return image.scaled(
      by: deviations.map { 1 / $0 }, adding: zip(means, deviations).map { -$0 / $1 })
  }

  /// A batch of images, each with its channels shifted and scaled.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels].
  /// - Returns: A batch of that shape.
  /// - Precondition: There is one mean, or one per channel.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    precondition(
      images.rank == 4,
      "Normalize needs images [count, height, width, channels]; got shape \(images.shape)")
    let channels = images.shape[3]
    let means = Tensor(expanded(mean, to: channels), shape: [channels])
    let deviations = Tensor(expanded(standardDeviation, to: channels), shape: [channels])
    return isInverse ? images * deviations + means : (images - means) / deviations
  }

  /// `numbers` as one for each of an image's channels.
  private func expanded(_ numbers: [Float], to channels: Int) -> [Float] {
    if numbers.count == channels { return numbers }
    precondition(
      numbers.count == 1 || averagesForOtherChannelCounts,
      "Normalize needs one mean per channel; got \(numbers.count) means and \(channels) channels")
    let average = numbers.reduce(0, +) / Float(numbers.count)
    return [Float](repeating: average, count: channels)
  }
}

extension PixelImage {
  /// This image with every value x of channel c as x · scales[c] + offsets[c].
  ///
  /// - Precondition: There is one scale and one offset per channel.
  public consuming func scaled(by scales: [Float], adding offsets: [Float]) -> PixelImage {
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
