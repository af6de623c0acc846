import Datasets
import Files
import Foundation
import SelfSupervised
import Tensor

/// What a network makes of some pictures: which are neighbors, which are alike, which stand apart,
/// and a map of all.
package struct PictureStudy: Sendable {
  /// A picture and those most similar to it.
  struct Sample: Sendable {
    let picture: Int
    /// By the untrained network; empty if its features are not known.
    let before: [Int]
    let after: [Int]
  }

  /// A picture and how similar it is to others.
  struct Similarity: Sendable {
    let picture: Int
    /// The picture that it is compared with; nil for all its nearest.
    let other: Int?
    let cosine: Float
  }

  /// A map of the first pictures: both coordinates of each.
  struct Map: Sendable {
    let title: String
    let words: String
    let places: Tensor
  }

  let names: [String]
  let labels: [Int]
  let classNames: [String]
  let sheet: SpriteSheet
  let samples: [Sample]
  /// The share of the ten nearest neighbors that were so before the training.
  let keptNeighbors: Float?
  let maps: [Map]
  let duplicates: [Similarity]
  let outliers: [Similarity]

  static let neighborCount = 10
  private static let sampleCount = 8

  /// - Parameters:
  ///   - pictures: At most about a thousand images.
  ///   - before: Features of the untrained network, of shape [count, width].
  ///   - after: Features of the trained network.
  ///   - channels: The one or three channels that are shown; the first ones if it is nil.
  /// - Throws: `FileError` if the libraries that write pictures are missing.
  package init(
    of pictures: any ImageDataset, before: Tensor?, after: Tensor, channels: [Int]? = nil
  ) throws {
    labels = pictures.labels
    classNames = pictures.classNames
    let labels = labels
    // Its number in the set that these are a part of.
    let numbers = (pictures as? Subset)?.indices ?? Array(0..<pictures.count)
    names = numbers.enumerated().map { index, number in
      let name = pictures.file(of: index)?.nameInPath ?? "picture \(number)"
      return labels.isEmpty ? name : "\(name), \(pictures.classNames[labels[index]])"
    }
    sheet = try SpriteSheet(pictures, channels: channels)
    let neighbors = Self.neighbors(after)
    let former = before.map(Self.neighbors)
    samples = Self.samples(pictures).map { index in
      Sample(
        picture: index, before: former.map { $0[index].indices } ?? [],
        after: neighbors[index].indices)
    }
    keptNeighbors = former.map { former in
      neighborOverlap(former.map(\.indices), neighbors.map(\.indices))
    }
    duplicates = Self.duplicates(neighbors)
    outliers = Self.outliers(neighbors)
    maps = Self.maps(after)
  }

  /// The most similar other pictures of each, the nearest first.
  private static func neighbors(_ features: Tensor) -> [(indices: [Int], similarities: [Float])] {
    nearestNeighbors(of: features, among: features, k: neighborCount + 1).enumerated().map {
      row, found in
      // Where several pictures are the same, this one need not be the first.
      let others = zip(found.indices, found.similarities).filter { $0.0 != row }
        .prefix(neighborCount)
      return (others.map(\.0), others.map(\.1))
    }
  }

  /// Pictures of different classes, or at equal distances where there are none.
  private static func samples(_ pictures: any ImageDataset) -> [Int] {
    let labels = pictures.labels
    guard !labels.isEmpty else {
      let count = min(sampleCount, pictures.count)
      return (0..<count).map { pictures.count * $0 / count }
    }
    var (chosen, taken) = ([Int](), [Int: Int]())
    for round in 1... {
      for index in labels.indices
      where chosen.count < sampleCount && taken[labels[index], default: 0] < round
        && !chosen.contains(index)
      {
        chosen.append(index)
        taken[labels[index], default: 0] += 1
      }
      if chosen.count == min(sampleCount, labels.count) { break }
    }
    return chosen.sorted { (labels[$0], $0) < (labels[$1], $1) }
  }

  /// How many times nearer than usual two pictures are that count as nearly the same.
  static let timesNearer: Float = 10

  /// Pairs whose distance, one minus the cosine, is a tenth of what it usually is between a picture
  /// and its nearest neighbor.
  ///
  /// A fixed cosine would not do, for some networks' features all have one above 0.9. Where pictures
  /// have eight independent directions around them, one in some ten thousand has such a neighbor by
  /// chance: the share ln 2 · (1 / 10)^(8 / 2).
  private static func duplicates(
    _ neighbors: [(indices: [Int], similarities: [Float])]
  ) -> [Similarity] {
    let distances = neighbors.compactMap(\.similarities.first).map { 1 - $0 }.sorted()
    guard let usual = distances.isEmpty ? nil : distances[distances.count / 2],
      // Below this, cosines are equal but for rounding.
      usual > 1e-5
    else { return [] }
    let pairs = neighbors.enumerated().flatMap { row, found in
      zip(found.indices, found.similarities).compactMap { other, cosine in
        row < other && 1 - cosine <= usual / timesNearer
          ? Similarity(picture: row, other: other, cosine: cosine) : nil
      }
    }
    return Array(pairs.sorted { $0.cosine > $1.cosine }.prefix(12))
  }

  /// The pictures that are least similar to their ten nearest.
  private static func outliers(
    _ neighbors: [(indices: [Int], similarities: [Float])]
  ) -> [Similarity] {
    guard neighbors.count > 2 * neighborCount else { return [] }
    let means = neighbors.enumerated().map { row, found in
      Similarity(
        picture: row, other: nil,
        cosine: found.similarities.reduce(0, +) / Float(found.similarities.count))
    }
    return Array(means.sorted { $0.cosine < $1.cosine }.prefix(12))
  }

  private static func maps(_ features: Tensor) -> [Map] {
    let units = l2Normalized(features)
    let count = units.shape[0]
    guard count > 3, units.shape[1] > 1 else { return [] }
    let components = principalComponents(units, count: 2)
    let share = components.shares.reduce(0, +)
    return [
      Map(
        title: "Neighborhoods (t-SNE)",
        words: "\(Figures.count(count, "picture")). Near ones stay near. Distances between groups "
          + "and their sizes mean nothing.",
        places: tSNE(units)),
      Map(
        title: "Directions of most variance (PCA)",
        words: "\(Figures.count(count, "picture")). The two directions have "
          + "\(Figures.percent(Double(share))) of all variance; the more of it, the more true the map.",
        places: components.scores),
    ]
  }
}
