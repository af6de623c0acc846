import Tensor

/// The windows of a pool.
public struct PoolWindow: Sendable {
  /// The size of a window.
  public let size: Size2D
  /// The distance between windows.
  public let stride: Size2D
  /// Rows and columns added on each side.
  public let padding: Size2D

  fileprivate init(_ size: Size2D, _ stride: Size2D?, _ padding: Size2D) {
    (self.size, self.stride, self.padding) = (size, stride ?? size, padding)
  }
}

/// The largest value of each window; the padding never wins.
public final class MaxPool: SampleIndependent {
  /// Where the windows are.
  public let window: PoolWindow

  /// A layer with the given windows, side by side unless a stride is given.
  public init(
    _ window: any Size2DConvertible, stride: (any Size2DConvertible)? = nil,
    padding: any Size2DConvertible = 0
  ) {
    self.window = PoolWindow(window.size2D, stride?.size2D, padding.size2D)
  }

  /// Images of shape [count, height, width, channels] to [count, …, …, channels].
  public func forward(_ input: Tensor) -> Tensor {
    maxPool(input, window: window.size, stride: window.stride, padding: window.padding)
  }
}

/// The mean of each window, zeros of the padding included.
public final class AveragePool: SampleIndependent {
  /// Where the windows are.
  public let window: PoolWindow

  /// A layer with the given windows, side by side unless a stride is given.
  public init(
    _ window: any Size2DConvertible, stride: (any Size2DConvertible)? = nil,
    padding: any Size2DConvertible = 0
  ) {
    self.window = PoolWindow(window.size2D, stride?.size2D, padding.size2D)
  }

  /// Images of shape [count, height, width, channels] to [count, …, …, channels].
  public func forward(_ input: Tensor) -> Tensor {
    averagePool(input, window: window.size, stride: window.stride, padding: window.padding)
  }
}

/// The mean over height and width: torch's `AdaptiveAvgPool2d(1)`.
public final class GlobalAveragePool: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Images of shape [count, height, width, channels] to [count, 1, 1, channels].
  public func forward(_ input: Tensor) -> Tensor { globalAveragePool(input) }
}

/// Images enlarged by a factor.
public final class Upsample: SampleIndependent {
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
