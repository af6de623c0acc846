/// How the pixels of a resized image come from those of the old one.
public enum Interpolation: Sendable, Hashable {
  /// The nearest lower pixel, as torch's `nearest`.
  case nearest
  /// The two neighbours along each side, weighted by distance.
  case bilinear
  /// A cubic over four neighbours along each side, which can overshoot the range of values.
  case bicubic
}

/// Images resized as torch's `interpolate` does, without aligned corners.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - size: The size to bring them to.
///   - interpolation: How a pixel is computed.
///   - antialias: Whether the curve widens as images shrink, so that fine detail is averaged rather
///     than aliased. It makes no difference to `nearest`.
/// - Returns: A batch of shape [count, size.height, size.width, channels].
public func resized(
  _ images: Tensor, to size: any Size2DConvertible, interpolation: Interpolation = .bilinear,
  antialias: Bool = false
) -> Tensor {
  let size = size.size2D
  precondition(
    images.rank == 4 && images.shape[1] > 0 && images.shape[2] > 0 && size.height > 0
      && size.width > 0,
    "resized needs images [count, height, width, channels] and a size, none of them empty; got "
      + "shape \(images.shape) and size \(size)")
  func windows(_ old: Int, _ new: Int) -> ResamplingWindows {
    ResamplingWindows(from: old, to: new, interpolation, antialias: antialias)
  }
  let rows = windows(images.shape[1], size.height)
  let columns = windows(images.shape[2], size.width)
  return resampled(images, rows, columns).recorded(
    from: [images], as: .resize(interpolation, antialias: antialias)
  ) {
    [shape = images.shape] gradient, _ in
    [resamplingGradient(gradient, rows, columns, into: shape)]
  }
}
