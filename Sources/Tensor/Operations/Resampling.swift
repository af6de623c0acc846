/// How a pixel of a resized image is computed.
public enum Interpolation: Sendable {
  /// The nearest lower pixel, as torch's `nearest`.
  case nearest
  /// The four neighbours, weighted by distance, as torch's `bilinear` without aligned corners.
  case bilinear
}

/// Images brought to another size.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - size: The size to bring them to.
///   - interpolation: How a pixel is computed.
/// - Returns: A batch of shape [count, size.height, size.width, channels].
public func resized(
  _ images: Tensor, to size: Size2D, interpolation: Interpolation = .bilinear
) -> Tensor {
  precondition(
    images.rank == 4 && images.shape[1] > 0 && images.shape[2] > 0 && size.height > 0
      && size.width > 0,
    "resized needs images [count, height, width, channels] and a size, none of them empty; got "
      + "shape \(images.shape) and size \(size)")
  let (rows, columns) =
    switch interpolation {
    case .bilinear:
      (
        LinearTaps(input: images.shape[1], output: size.height),
        LinearTaps(input: images.shape[2], output: size.width)
      )
    case .nearest:
      (
        LinearTaps(nearest: images.shape[1], output: size.height),
        LinearTaps(nearest: images.shape[2], output: size.width)
      )
    }
  return resampled(images, rows, columns).recorded(from: [images]) {
    [shape = images.shape] gradient, _ in
    [resamplingGradient(gradient, rows, columns, into: shape)]
  }
}
