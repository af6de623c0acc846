import Tensor

/// The mean and the standard deviation of each channel, for normalising images.
public struct ChannelStatistics: Hashable, Sendable {
  /// The mean of each channel over all pixels of all images.
  public let mean: [Float]
  /// The standard deviation of each channel over all pixels of all images.
  public let standardDeviation: [Float]
}

extension ImageDataset {
  /// The statistics of every channel over the whole set, summed in double precision.
  ///
  /// - Precondition: There is at least one image.
  public func channelStatistics() -> ChannelStatistics {
    precondition(count > 0, "channelStatistics needs at least one image; got none")
    let channels = imageShape[2]
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    for start in stride(from: 0, to: count, by: 256) {
      images(in: start..<min(start + 256, count)).withUnsafeBufferPointer { values in
        for pixel in stride(from: 0, to: values.count, by: channels) {
          for channel in 0..<channels {
            let value = Double(values[pixel + channel])
            sums[channel] += value
            squares[channel] += value * value
          }
        }
      }
    }
    let pixels = Double(count * imageShape[0] * imageShape[1])
    return ChannelStatistics(
      mean: sums.map { Float($0 / pixels) },
      standardDeviation: zip(sums, squares).map { sum, square in
        let mean = sum / pixels
        return Float(max(0, square / pixels - mean * mean).squareRoot())
      })
  }
}
