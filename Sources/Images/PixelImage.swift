import Tensor

/// One picture: rows of pixels with their channels side by side, nominally between 0 and 1.
///
/// An image is a value. Copies share their numbers until one of them is changed, and an image made
/// from a tensor shares the tensor's.
public struct PixelImage: Sendable {
  /// The numbers, of shape [height, width, channels].
  public private(set) var pixels: Tensor

  /// The picture in a tensor of shape [height, width, channels].
  ///
  /// - Precondition: The tensor has three axes and none is empty.
  public init(_ pixels: Tensor) {
    precondition(
      pixels.rank == 3 && pixels.elementCount > 0,
      "PixelImage needs a tensor of shape [height, width, channels]; got shape \(pixels.shape)")
    self.pixels = pixels.detached
  }

  /// A picture whose numbers `initialize` writes, in row-major order and all of them.
  public init(
    size: Size2D, channels: Int,
    initializingWith initialize: (UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    self.init(
      Tensor(shape: [size.height, size.width, channels], initializingWith: initialize))
  }

  /// The number of rows.
  public var height: Int { pixels.shape[0] }
  /// The number of columns.
  public var width: Int { pixels.shape[1] }
  /// The number of values per pixel: 1 for greyscale, 3 for red, green and blue.
  public var channels: Int { pixels.shape[2] }
  /// Height and width.
  public var size: Size2D { Size2D(height: height, width: width) }

  /// One value.
  public subscript(row: Int, column: Int, channel: Int) -> Float {
    precondition(
      (0..<height).contains(row) && (0..<width).contains(column)
        && (0..<channels).contains(channel),
      "no value at [\(row), \(column), \(channel)] in an image of shape \(pixels.shape)")
    return pixels.withUnsafeBufferPointer { $0[(row * width + column) * channels + channel] }
  }

  /// Lets `body` change the numbers: in place if no other image or tensor shares them.
  public mutating func mutate(_ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let count = pixels.elementCount
    pixels.mutate { body(UnsafeMutableBufferPointer(start: $0, count: count)) }
  }
}

extension PixelImage: CustomStringConvertible {
  /// The size and the number of channels.
  public var description: String { "PixelImage(\(size), \(channels) channels)" }
}
