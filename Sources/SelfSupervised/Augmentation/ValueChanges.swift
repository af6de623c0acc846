import Images
import Tensor

/// The image without colour: every channel becomes 0.2989 red + 0.587 green + 0.114 blue.
///
/// The number of channels stays. Images that do not have three channels are left alone.
public struct Grayscale: SizePreserving {
  /// Removes colour, always; `.applied(probability: 0.2)` makes it random.
  public init() {}

  /// `image` without colour.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image.grayscaled() }
}

/// The image with its bright values inverted: x becomes 1 - x where it is `threshold` or more.
public struct Solarize: SizePreserving {
  /// The smallest value that is inverted.
  public let threshold: Float

  /// Inverts the values from `threshold` on.
  public init(threshold: Float = 0.5) { self.threshold = threshold }

  /// `image` with its bright values inverted.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image.solarized(threshold: threshold) }
}

/// The image with its bright values inverted, after a random change of brightness and from a random
/// threshold on, as in kornia.
///
/// A number is drawn evenly from `additions` and added to all values, which are then clipped to
/// 0...1; x becomes 1 - x where it is at least a threshold that is drawn from `thresholds`.
public struct RandomSolarize: SizePreserving {
  /// Where the smallest value that is inverted is drawn from.
  public let thresholds: ClosedRange<Float>
  /// Where the number that is added before is drawn from.
  public let additions: ClosedRange<Float>

  /// Inverts the values from a random threshold on; kornia's ranges unless others are given.
  public init(
    thresholds: ClosedRange<Float> = 0.4...0.6, additions: ClosedRange<Float> = -0.1...0.1
  ) {
    self.thresholds = thresholds
    self.additions = additions
  }

  /// Draws the threshold and the number to add.
  public func draw(using stream: inout RandomStream) -> (threshold: Float, addition: Float) {
    let threshold = stream.uniform(in: thresholds)
    return (threshold, stream.uniform(in: additions))
  }

  /// `image` with its bright values inverted.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let (threshold, addition) = draw(using: &stream)
    return image.blended(scale: 1, offset: addition).solarized(threshold: threshold)
  }
}

/// One random number added to all values of the image, which are then clipped to 0...1.
///
/// The number is drawn evenly from -`factor` to `factor`, as in the Keras example of NNCLR;
/// ``ColorJitter`` has the change of brightness that multiplies.
public struct RandomBrightness: SizePreserving {
  /// The largest number that is added or taken away.
  public let factor: Float

  /// Adds a number between -`factor` and `factor`.
  ///
  /// - Precondition: The factor is zero or more.
  public init(_ factor: Float) {
    precondition(factor >= 0, "RandomBrightness needs a factor of zero or more; got \(factor)")
    self.factor = factor
  }

  /// Draws the number to add.
  public func offset(using stream: inout RandomStream) -> Float {
    stream.uniform(in: -factor...factor)
  }

  /// `image`, brighter or darker.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let offset = offset(using: &stream)
    return image.blended(scale: 1, offset: offset)
  }
}

/// The image with values below 0 raised to 0 and values above 1 lowered to 1.
public struct Clip: SizePreserving {
  /// Clips to 0...1.
  public init() {}

  /// `image` with its values in 0...1.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image.blended(scale: 1, offset: 0) }
}

extension PixelImage {
  /// This image without colour: 0.2989 red + 0.587 green + 0.114 blue in all three channels, or the
  /// image as it is if it does not have three.
  public consuming func grayscaled() -> PixelImage {
    guard channels == 3 else { return self }
    let count = height * width
    mutate { pixels in
      if let start = pixels.baseAddress { removeColor(start, count: count) }
    }
    return self
  }

  /// This image with 1 - x for every value x that is `threshold` or more.
  public consuming func solarized(threshold: Float) -> PixelImage {
    mutate { pixels in
      guard let values = pixels.baseAddress else { return }
      for index in 0..<pixels.count {
        let value = values[index]
        values[index] = value >= threshold ? 1 - value : value
      }
    }
    return self
  }

  /// This image with every value x as x · scale + offset, clipped to 0...1.
  public consuming func blended(scale: Float, offset: Float) -> PixelImage {
    mutate { pixels in
      guard let values = pixels.baseAddress else { return }
      blend(values, count: pixels.count, scale: scale, offset: offset)
    }
    return self
  }
}
