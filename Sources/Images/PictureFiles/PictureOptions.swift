/// How picture files become images, where that is a choice.
public struct PictureOptions: Sendable, Hashable {
  /// Whether pictures are turned as their EXIF data say: phones store portraits lying on their side.
  ///
  /// torchvision's `ImageFolder` does not turn them.
  public var appliesOrientation = true
  /// What shows through transparent pixels.
  public var background = Background.white

  /// What shows through transparent pixels.
  public enum Background: Sendable, Hashable {
    /// A color; values 0...1.
    case color(red: Float, green: Float, blue: Float)
    /// The color that the file stores for the pixel, as if all were opaque: torchvision's way. What
    /// programs store there is arbitrary, and may tell one class from another.
    case stored

    /// White.
    public static let white = Background.color(red: 1, green: 1, blue: 1)
    /// Black.
    public static let black = Background.color(red: 0, green: 0, blue: 0)
  }

  /// Turned pictures on white, unless said otherwise.
  public init(appliesOrientation: Bool = true, background: Background = .white) {
    self.appliesOrientation = appliesOrientation
    self.background = background
  }

  /// Pixels in the order and the colors in which files store them.
  public static let asStored = PictureOptions(appliesOrientation: false, background: .stored)
}
