/// The largest value of each window; the first of equals takes the gradient.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - window: The size of a window.
///   - stride: The distance between windows; the window's size when it is nil.
///   - padding: Rows and columns added on each side, which never win.
/// - Returns: A batch of shape [count, …, …, channels], (size + 2 · padding - window) / stride
///   + 1 high and wide.
public func maxPool(
  _ images: Tensor, window: any Size2DConvertible, stride: (any Size2DConvertible)? = nil,
  padding: any Size2DConvertible = 0
) -> Tensor {
  let geometry = PoolingGeometry(
    images.shape, window: window.size2D, stride: (stride ?? window).size2D, padding: padding.size2D,
    operation: "maxPool")
  let (result, winners) = maxPooled(images, geometry)
  let traced = TracedOperation.maxPool(
    window: window.size2D, stride: (stride ?? window).size2D, padding: padding.size2D)
  let format = images.format
  return result.recorded(from: [images], as: traced) { gradient, _ in
    [maxPoolGradient(gradient, winners: winners, in: format, geometry)]
  }
}

/// The mean of each window, zeros of the padding included: torch's default.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - window: The size of a window.
///   - stride: The distance between windows; the window's size when it is nil.
///   - padding: Rows and columns of zeros added on each side.
/// - Returns: A batch of shape [count, …, …, channels], (size + 2 · padding - window) / stride
///   + 1 high and wide.
public func averagePool(
  _ images: Tensor, window: any Size2DConvertible, stride: (any Size2DConvertible)? = nil,
  padding: any Size2DConvertible = 0
) -> Tensor {
  let geometry = PoolingGeometry(
    images.shape, window: window.size2D, stride: (stride ?? window).size2D, padding: padding.size2D,
    operation: "averagePool")
  let window = window.size2D
  let scale = 1 / Float(window.height * window.width)
  let traced = TracedOperation.averagePool(
    window: window, stride: (stride ?? window).size2D, padding: padding.size2D)
  return windowSums(images, geometry, scale: scale).recorded(from: [images], as: traced) {
    gradient, _ in
    [windowSums(gradient, geometry, scale: scale, isTransposed: true)]
  }
}

/// The mean over height and width of images [count, height, width, channels], as
/// [count, 1, 1, channels].
public func globalAveragePool(_ images: Tensor) -> Tensor {
  precondition(
    images.rank == 4,
    "globalAveragePool needs images [count, height, width, channels]; got shape \(images.shape)")
  return images.mean(axes: [1, 2], keepingAxes: true)
}
