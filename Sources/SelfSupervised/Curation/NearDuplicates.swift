import Foundation
import Synchronization
import Tensor

/// Two pictures that are the same but for compression, brightness or a cut edge.
public struct NearDuplicate: Sendable {
  /// The numbers of both.
  public let first, second: Int
  /// How much they differ once one is laid over the other: the root of the share of the variance
  /// that is not explained; 0 if they are the same.
  public let difference: Float
}

/// Pairs of images that are the same but for compression, brightness and a cut edge, a twentieth of the
/// size.
///
/// Images are candidates if they are among the ten most similar ones by features, by a small copy,
/// or by a small copy without its edge. Candidates are laid over each other, as small pictures of 32
/// pixels at most, enlarged, moved and brightened until they differ least. A pair counts if what is
/// left is small, and a third of what is left for other candidates of the same images, or a fifth if
/// it is not so small: two shirts are more alike than two landscapes.
///
/// - Parameters:
///   - images: Shape [count, height, width, channels], values 0...1; large ones are made smaller.
///   - features: Shape [count, width], of a network; candidates come from the images alone if it is
///     nil.
/// - Returns: Pairs, the most alike first; the first number of each is the lower one.
public func nearDuplicates(of images: Tensor, features: Tensor? = nil) -> [NearDuplicate] {
  precondition(
    images.rank == 4 && images.shape[1] > 2 && images.shape[2] > 2
      && features.map { $0.rank == 2 && $0.shape[0] == images.shape[0] } != false,
    "nearDuplicates needs images [count, height, width, channels] of 3x3 pixels or more and features "
      + "[count, width] of the same; got shapes \(images.shape) and \(features.map { "\($0.shape)" } ?? "none")"
  )
  guard images.shape[0] > 1 else { return [] }
  return DuplicateSearch(images.detached, features: features?.detached).duplicates
}

/// The images [count, height, width, channels] at the size at which ``nearDuplicates(of:features:)``
/// compares them, 32 pixels a side at most: to make of a large set part by part.
public func smallCopies(of images: Tensor) -> Tensor {
  precondition(
    images.rank == 4,
    "smallCopies needs images [count, height, width, channels]; got \(images.shape)")
  let size = Size2D(
    height: min(images.shape[1], DuplicateSearch.side),
    width: min(images.shape[2], DuplicateSearch.side))
  return withoutGradients { resized(images.detached, to: size, antialias: true) }
}

private struct DuplicateSearch {
  private let pictures: Tensor
  /// The images among which each one's duplicates are looked for, in order.
  private let candidates: [[Int]]

  static let side = 32
  private static let descriptorSide = 8
  private static let neighborCount = 10
  /// What is left of a difference if pictures are the same, however alike others are.
  private static let certain: Float = 0.02
  /// What may be left otherwise, each with the share of the difference from other candidates that it
  /// may be.
  private static let limits: [(most: Float, shareOfOthers: Float)] = [(0.055, 0.35), (0.1, 0.21)]
  /// The largest difference that counts.
  private static var most: Float { limits.map(\.most).max() ?? certain }

  init(_ images: Tensor, features: Tensor?) {
    pictures = smallCopies(of: images)
    candidates = Self.candidates(pictures, features)
  }

  private static func candidates(_ pictures: Tensor, _ features: Tensor?) -> [[Int]] {
    let count = pictures.shape[0]
    let plain = descriptors(pictures)
    let (height, width) = (pictures.shape[1], pictures.shape[2])
    let inner = descriptors(
      pictures.cropped(at: [0, 1, 1, 0], shape: [count, height - 2, width - 2, pictures.shape[3]]))
    let k = min(neighborCount, count - 1)
    var lists = [
      nearestNeighbors(of: plain, k: k),
      nearestNeighbors(of: inner, among: plain, k: k).map(\.indices),
    ]
    if let features { lists.append(nearestNeighbors(of: features, k: k)) }
    var found = [Set<Int>](repeating: [], count: count)
    for list in lists {
      for (row, others) in list.enumerated() {
        for other in others where other != row {
          found[row].insert(other)
          found[other].insert(row)
        }
      }
    }
    return found.map { $0.sorted() }
  }

  /// Small copies without their means, of shape [count, numbers].
  private static func descriptors(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      let small = resized(pictures, to: descriptorSide, antialias: true).flattened(from: 1)
      return small - small.mean(axes: [1], keepingAxes: true)
    }
  }

  var duplicates: [NearDuplicate] {
    let differences = self.differences
    // What is left for an image's other candidates: the fifth least, so that several copies do not
    // speak for each other.
    let usual = candidates.indices.map { row in
      let found = candidates[row].compactMap { differences[Pair(row, $0)] }.sorted()
      return found.count > 4 ? found[4] : Self.most
    }
    return differences.compactMap { pair, difference in
      let others = min(usual[pair.first], usual[pair.second])
      let limits = Self.limits.map { min($0.most, $0.shareOfOthers * others) }
      guard difference <= limits.reduce(Self.certain, max) else { return nil }
      return NearDuplicate(first: pair.first, second: pair.second, difference: difference)
    }.sorted { ($0.difference, $0.first, $0.second) < ($1.difference, $1.first, $1.second) }
  }

  private struct Pair: Hashable {
    let first: Int
    let second: Int

    init(_ one: Int, _ other: Int) { (first, second) = (min(one, other), max(one, other)) }
  }

  /// How much each image differs from its candidates.
  private var differences: [Pair: Float] {
    let found = Mutex([Pair: Float]())
    Parallel.forEach(candidates.count) { row in
      let others = candidates[row].filter { $0 > row }
      guard !others.isEmpty else { return }
      let picture = overlay(row)
      let differences = others.map { other in
        (Pair(row, other), picture.difference(from: overlay(other), limit: Self.most))
      }
      found.withLock { $0.merge(differences) { $1 } }
    }
    return found.withLock { $0 }
  }

  private func overlay(_ row: Int) -> OverlaidPicture {
    OverlaidPicture(
      pictures[row].scalars, height: pictures.shape[1], width: pictures.shape[2],
      channels: pictures.shape[3])
  }
}
