import Images
import Tensor

/// One change of an image's colours, with its numbers.
///
/// The formulas are torchvision's, for values from 0 to 1; each change ends by clipping to that
/// range.
public enum ColorAdjustment: Sendable, Hashable {
  /// x · factor.
  case brightness(Float)
  /// x · factor + m · (1 - factor), where m is the mean of the grey image, or of all values if
  /// there are not three channels.
  case contrast(Float)
  /// x · factor + grey(x) · (1 - factor); leaves images alone that do not have three channels.
  case saturation(Float)
  /// A turn of the colour circle, from -0.5 to 0.5, by way of hue, saturation and value; leaves
  /// images alone that do not have three channels.
  case hue(Float)
}

/// Random changes of brightness, contrast, saturation and hue, in random order.
///
/// Factors are drawn evenly from 1 - s to 1 + s, but not below zero, for a strength s; turns of hue
/// from -s to s. Only brightness and contrast touch images that do not have three channels.
public struct ColorJitter: SizePreserving {
  /// The strength of changes of brightness.
  public let brightness: Float
  /// The strength of changes of contrast.
  public let contrast: Float
  /// The strength of changes of saturation.
  public let saturation: Float
  /// The strength of changes of hue, at most 0.5.
  public let hue: Float

  /// Random changes of the given strengths; a strength of zero leaves its change out.
  ///
  /// - Precondition: No strength is negative and that of hue is at most 0.5.
  public init(
    brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0
  ) {
    precondition(
      min(brightness, contrast, saturation, hue) >= 0 && hue <= 0.5,
      "ColorJitter needs strengths of zero or more and a hue of at most 0.5; got brightness "
        + "\(brightness), contrast \(contrast), saturation \(saturation) and hue \(hue)")
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  /// Draws the changes for one image, in the order in which they are to be made.
  public func adjustments(using stream: inout RandomStream) -> [ColorAdjustment] {
    func factor(_ strength: Float) -> Float {
      stream.uniform(in: max(0, 1 - strength)...1 + strength)
    }
    var adjustments: [ColorAdjustment] = []
    adjustments.reserveCapacity(4)
    if brightness > 0 { adjustments.append(.brightness(factor(brightness))) }
    if contrast > 0 { adjustments.append(.contrast(factor(contrast))) }
    if saturation > 0 { adjustments.append(.saturation(factor(saturation))) }
    if hue > 0 { adjustments.append(.hue(stream.uniform(in: -hue...hue))) }
    adjustments.shuffle(using: &stream)
    return adjustments
  }

  /// The view of `image` after random changes of its colours.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let adjustments = adjustments(using: &stream)
    return image.adjusted(by: adjustments)
  }
}

extension PixelImage {
  /// This image after changes of its colours, made in the given order.
  public consuming func adjusted(by adjustments: [ColorAdjustment]) -> PixelImage {
    guard !adjustments.isEmpty else { return self }
    let (count, channels) = (height * width, channels)
    mutate { pixels in
      guard let start = pixels.baseAddress else { return }
      if channels == 3 {
        adjustColors(start, pixelCount: count, adjustments)
      } else {
        adjustValues(start, count: count * channels, adjustments)
      }
    }
    return self
  }
}
