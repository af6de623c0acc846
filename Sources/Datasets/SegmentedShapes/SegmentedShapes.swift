import Tensor

/// Generated colour images of several shapes, in which every pixel has a class.
///
/// The shapes and paints are those of ``Shapes``. Class 0 is the background. A pixel's class does
/// not follow from its colour, only from the outline around it. Image `index` is a function of the
/// settings, the seed and `index` alone. Two sets of different seeds are independent:
///
/// ```swift
/// let training = SegmentedShapes(count: 2_000, seed: 0)
/// let labels = training.labelMaps(at: [7])    // [size · size], row by row
/// ```
public struct SegmentedShapes: ImageDataset {
  /// The number of images.
  public let count: Int
  /// The height and width of an image.
  public let size: Int
  /// How many kinds of shapes there are: the first so many of the ten.
  public let shapeKinds: Int
  /// How many shapes an image may have; fewer where they find no room.
  public let shapeCount: ClosedRange<Int>
  /// How much the shapes vary.
  public let difficulty: Shapes.Difficulty
  /// What all images are drawn from.
  public let seed: UInt64

  /// A set of `count` images of shape [size, size, 3].
  ///
  /// - Precondition: `count` is not negative, `size` at least 8, `shapeKinds` in 1...10 and
  ///   `shapeCount` from 1 on.
  public init(
    count: Int, size: Int = 64, shapeKinds: Int = 10, shapeCount: ClosedRange<Int> = 1...3,
    difficulty: Shapes.Difficulty = .moderate, seed: UInt64 = 0
  ) {
    precondition(
      count >= 0 && size >= 8,
      "SegmentedShapes needs a count of zero or more and a size of at least 8; got \(count) and "
        + "\(size)")
    precondition(
      (1...Outline.allCases.count).contains(shapeKinds) && shapeCount.lowerBound >= 1,
      "SegmentedShapes needs 1 to \(Outline.allCases.count) kinds and one shape or more; got "
        + "\(shapeKinds) kinds and \(shapeCount) shapes")
    self.count = count
    self.size = size
    self.shapeKinds = shapeKinds
    self.shapeCount = shapeCount
    self.difficulty = difficulty
    self.seed = seed
  }

  /// The shape of one image: [size, size, 3].
  public var imageShape: TensorShape { [size, size, 3] }

  /// None: an image as a whole has no class.
  public var labels: [Int] { [] }

  /// None: an image as a whole has no class; see ``pixelClassNames``.
  public var classNames: [String] { [] }

  /// The names of the classes of pixels, the background first.
  public var pixelClassNames: [String] {
    ["background"] + Outline.allCases.prefix(shapeKinds).map(\.rawValue)
  }

  /// The images at `indices`, computed on all threads, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, size, size, 3].
  /// - Precondition: Every index is in `0..<count`.
  public func images(at indices: [Int]) -> Tensor {
    rendered(indices) { index, image in scene(index).render(into: image, size: size) }
  }

  /// The class of each pixel of the images at `indices`: image after image, row after row.
  ///
  /// - Returns: Count of indices · size · size classes, as indices into ``pixelClassNames``.
  /// - Precondition: Every index is in `0..<count`.
  public func labelMaps(at indices: [Int]) -> [Int] {
    checkIndices(indices)
    return indices.flatMap { scene($0).labels(size: size) }
  }

  /// Everything about one image but its resolution.
  func scene(_ index: Int) -> SegmentedScene {
    var stream = RandomStream(seed: seed).split(index)
    return SegmentedScene(
      classCount: shapeKinds, shapeCount: shapeCount, difficulty, using: &stream)
  }
}
