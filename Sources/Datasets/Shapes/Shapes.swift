import Tensor

/// Generated colour images in which the class is a shape and everything else is left to chance.
///
/// Where the shape is, its size and angle, its colour, the background and the noise say nothing
/// about the class; among hard ones, whether the shape is lighter or darker than the background
/// neither. Pixels compared one by one are therefore a poor guide, and a network has something to
/// learn.
///
/// Image `index` is a function of the seed and `index` alone, and its label is `index` modulo the
/// number of classes. Two sets of different seeds are independent:
///
/// ```swift
/// let training = Shapes(count: 10_000, seed: 0)
/// let test = Shapes(count: 2_000, seed: 1)
/// ```
public struct Shapes: ImageDataset {
  /// How much the images vary within a class.
  public enum Difficulty: String, CaseIterable, Codable, Sendable {
    /// Shapes are whole, roughly upright, of like size and lighter than the background.
    case moderate
    /// Shapes have any angle, may be lighter or darker, small, faint and partly covered, and there
    /// is more noise.
    case hard
  }

  /// The number of images.
  public let count: Int
  /// The height and width of an image.
  public let size: Int
  /// How much the images vary within a class.
  public let difficulty: Difficulty
  /// What all images are drawn from.
  public let seed: UInt64
  /// The shape in each image, as an index into `classNames`.
  public let labels: [Int]

  /// A set of `count` images of shape [size, size, 3].
  ///
  /// - Precondition: `count` is not negative and `size` is at least 8.
  public init(
    count: Int, size: Int = 32, difficulty: Difficulty = .moderate, seed: UInt64 = 0
  ) {
    precondition(count >= 0, "Shapes needs a count of zero or more; got \(count)")
    precondition(size >= 8, "Shapes needs a size of at least 8; got \(size)")
    self.count = count
    self.size = size
    self.difficulty = difficulty
    self.seed = seed
    labels = (0..<count).map { $0 % Outline.allCases.count }
  }

  /// The shape of one image: [size, size, 3].
  public var imageShape: TensorShape { [size, size, 3] }

  /// The names of the ten shapes.
  public var classNames: [String] { Outline.allCases.map(\.rawValue) }

  /// The images at `indices`, computed on all threads, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, size, size, 3].
  /// - Precondition: Every index is in `0..<count`.
  public func images(at indices: [Int]) -> Tensor {
    rendered(indices) { index, image in scene(index).render(into: image, size: size) }
  }

  /// Everything about one image but its resolution.
  func scene(_ index: Int) -> ShapeScene {
    var stream = RandomStream(seed: seed).split(index)
    return ShapeScene(Outline.allCases[labels[index]], difficulty, using: &stream)
  }
}
