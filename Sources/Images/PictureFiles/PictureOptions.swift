/// How picture files become images, where that is a choice.
public struct PictureOptions: Sendable, Hashable {
  /// Whether pictures are turned as their EXIF data say: phones store portraits lying on their side.
  ///
  /// torchvision's `ImageFolder` does not turn them.
  public var appliesOrientation = true
  /// What shows through transparent pixels.
  public var background = Background.white
  /// How pictures of another shape come to the shape of images.
  public var fit = Fit.crop
  /// How finely images are kept, and how finely PNG files of 16 bits are read.
  public var depth = Depth.eight
  /// The stored values that become 0 and 1 in TIFF and NumPy files, and in PNG files of 16 bits that
  /// are read as such; what lies outside becomes one of these. If it is nil, whole numbers are divided by the largest of their type, 255 or 65,535,
  /// and floats must lie in 0...1.
  ///
  /// Cameras of microscopes often use 12 of 16 bits, 0...4095; satellites' reflectances are often
  /// stored as 0...10000.
  public var valueRange: ClosedRange<Float>?

  /// How a picture comes to the shape of an image.
  public enum Fit: String, CaseIterable, Sendable, Hashable {
    /// Its middle, as large as it has that shape, as it is: torchvision's `Resize` and `CenterCrop`.
    case crop
    /// All of it, wider or narrower than it is.
    case stretch
  }

  /// How many bits are kept of a value.
  public enum Depth: Int, Sendable, Hashable {
    /// Values are rounded to multiples of 1/255.
    case eight = 8
    /// Values are rounded to multiples of 1/65,535, and images take twice the memory.
    case sixteen = 16
  }

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

  /// The middles of turned pictures on white, of eight bits, unless said otherwise.
  ///
  /// - Precondition: The range is not empty.
  public init(
    appliesOrientation: Bool = true, background: Background = .white, fit: Fit = .crop,
    depth: Depth = .eight, valueRange: ClosedRange<Float>? = nil
  ) {
    precondition(
      valueRange.map { $0.lowerBound < $0.upperBound } ?? true,
      "PictureOptions needs a range of values that is not empty; got \(valueRange ?? 0...0)")
    self.appliesOrientation = appliesOrientation
    self.background = background
    self.fit = fit
    self.depth = depth
    self.valueRange = valueRange
  }

  /// Pixels in the order and the colors in which files store them.
  public static let asStored = PictureOptions(appliesOrientation: false, background: .stored)
}
