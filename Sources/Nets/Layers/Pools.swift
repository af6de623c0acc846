import Tensor

/// The largest value of each window.
public final class MaxPool: ImagewiseModule {
  /// The size of a window.
  public let window: Size2D
  /// The distance between windows.
  public let stride: Size2D
  /// Rows and columns added on each side, which never win.
  public let padding: Size2D

  /// A layer with the given windows, side by side unless a stride is given.
  public init(_ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
  }

  /// Images of shape [count, height, width, channels] to [count, …, …, channels].
  public func forward(_ input: Tensor) -> Tensor {
    maxPool(input, window: window, stride: stride, padding: padding)
  }
}

/// The mean of each window, zeros of the padding included.
public final class AveragePool: ImagewiseModule {
  /// The size of a window.
  public let window: Size2D
  /// The distance between windows.
  public let stride: Size2D
  /// Rows and columns of zeros added on each side.
  public let padding: Size2D

  /// A layer with the given windows, side by side unless a stride is given.
  public init(_ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
  }

  /// Images of shape [count, height, width, channels] to [count, …, …, channels].
  public func forward(_ input: Tensor) -> Tensor {
    averagePool(input, window: window, stride: stride, padding: padding)
  }
}

/// The mean over height and width: torch's `AdaptiveAvgPool2d(1)`.
public final class GlobalAveragePool: ImagewiseModule {
  /// A layer without parameters.
  public init() {}

  /// Images of shape [count, height, width, channels] to [count, 1, 1, channels].
  public func forward(_ input: Tensor) -> Tensor { globalAveragePool(input) }
}

/// Images enlarged by a factor.
public final class Upsample: ImagewiseModule {
  /// How many times higher and wider.
  public let factor: Int
  /// How a pixel is computed.
  public let interpolation: Interpolation

  /// A layer that enlarges by `factor`; nearest pixels unless asked otherwise, as in torch.
  public init(factor: Int, interpolation: Interpolation = .nearest) {
    precondition(factor >= 1, "Upsample needs a factor of 1 or more; got \(factor)")
    self.factor = factor
    self.interpolation = interpolation
  }

  /// Images of shape [count, height, width, channels] to [count, factor · height, factor · width,
  /// channels].
  public func forward(_ input: Tensor) -> Tensor {
    let (_, height, width, _) = input.shape.dimensions4
    return resized(
      input, to: Size2D(height: height * factor, width: width * factor),
      interpolation: interpolation)
  }
}
