import Foundation
import Images
import Tensor

/// A blur by a bell curve whose width is drawn for each image.
public struct GaussianBlur: SizePreserving {
  /// What the blur sees beyond the border.
  public enum Padding: Sendable, Hashable {
    /// The image mirrored at its outermost pixels: torchvision.
    case reflect
    /// Zeros, which darken the border: Google's SimCLR.
    case zero
  }

  /// The number of pixels, along one side, that make a new one; `nil` takes as many as sigma needs.
  public let kernelSize: Int?
  /// The range of the curve's standard deviation, in pixels.
  public let sigma: ClosedRange<Float>
  /// What the blur sees beyond the border.
  public let padding: Padding

  /// A blur with a standard deviation drawn evenly from `sigma`.
  ///
  /// - Parameters:
  ///   - kernelSize: The odd number of pixels, along one side, that make a new one. `nil` takes
  ///     three standard deviations to each side, as far as the curve differs from zero.
  ///   - sigma: The range of the standard deviation, in pixels.
  ///   - padding: What the blur sees beyond the border.
  /// - Precondition: The kernel size is odd and sigma above zero.
  public init(
    kernelSize: Int? = nil, sigma: ClosedRange<Float> = 0.1...2, padding: Padding = .reflect
  ) {
    precondition(
      kernelSize.map { $0 > 0 && $0 % 2 == 1 } ?? true,
      "GaussianBlur needs an odd kernel size; got \(kernelSize ?? 0)")
    precondition(
      sigma.lowerBound > 0, "GaussianBlur needs a sigma above zero; got \(sigma)")
    self.kernelSize = kernelSize
    self.sigma = sigma
    self.padding = padding
  }

  /// The blur of Google's SimCLR code: a tenth of the image's height to look at, zeros around it.
  ///
  /// 3 pixels at a height of 32, 9 at 96, 23 at 224; nothing at all below 20.
  public static func simCLR(imageHeight: Int) -> GaussianBlur {
    GaussianBlur(kernelSize: imageHeight / 10 / 2 * 2 + 1, padding: .zero)
  }

  /// Draws the standard deviation for one image.
  public func sigma(using stream: inout RandomStream) -> Float { stream.uniform(in: sigma) }

  /// The weights of the pixels that make a new one, along one side; they add up to 1.
  public func taps(sigma: Float) -> [Float] {
    let radius = kernelSize.map { $0 / 2 } ?? Int((3 * sigma).rounded(.up))
    let heights = (-radius...radius).map { offset in
      exp(-0.5 * pow(Double(offset) / Double(sigma), 2))
    }
    let total = heights.reduce(0, +)
    return heights.map { Float($0 / total) }
  }

  /// `image`, blurred.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let taps = taps(sigma: sigma(using: &stream))
    return image.blurred(taps: taps, padding: padding)
  }
}

extension PixelImage {
  /// This image with each pixel replaced by the weighted sum of those around it.
  ///
  /// - Parameters:
  ///   - taps: The weights, along the rows and then down the columns; the middle one is the pixel's
  ///     own.
  ///   - padding: What lies beyond the border.
  /// - Returns: The blurred image.
  /// - Precondition: There is an odd number of taps.
  public consuming func blurred(taps: [Float], padding: GaussianBlur.Padding = .reflect)
    -> PixelImage
  {
    precondition(taps.count % 2 == 1, "blurred needs an odd number of taps; got \(taps.count)")
    if taps == [1] { return self }
    let blur = BlurPass(
      height: height, width: width, channels: channels, taps: taps, padding: padding)
    mutate { pixels in
      if let start = pixels.baseAddress { blur.run(start) }
    }
    return self
  }
}
