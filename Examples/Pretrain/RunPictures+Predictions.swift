import Arguments
import Datasets
import SelfSupervised
import Training

/// The classes that pictures seem to have, by a classifier that a few labels of others have taught.
struct Predictions {
  /// What the pictures are called.
  let names: [String]
  let classNames: [String]
  /// The class of each picture, and how probable the classifier takes it to be.
  let classes: [(number: Int, probability: Float)]
  /// How many pictures taught the classifier.
  let labeledCount: Int
  /// How many labeled pictures a classifier that did not see them got right, and of how many.
  let check: (right: Int, count: Int)
}

extension RunPictures {
  /// At most so many labeled pictures teach: more take long and add little.
  private static let mostLabeled = 10_000

  /// The classes of pictures by those of others.
  ///
  /// - Parameters:
  ///   - data: The pictures to classify; those of the run without a label if it is nil.
  ///   - labels: A file with the classes of some of the run's pictures; their directories if it is nil.
  /// - Returns: A class for each picture.
  /// - Throws: `UsageError` if there are no labels or no pictures, `FileError` if one cannot be read.
  func predictions(of data: [String]?, by labels: String?) throws -> Predictions {
    let sets = try labeledSets(nil, labels)
    guard let (bank, queries) = sets.judged(bankSize: Self.mostLabeled) else {
      throw UsageError(
        "predict needs labels of some of the run's pictures: --labels FILE, or a directory for each class"
      )
    }
    let parts = [Part(name: "", images: bank), Part(name: "", images: queries)]
    let (taught, kept) = try (embeddings(of: parts[0]), embeddings(of: parts[1]))
    let labeled = Embeddings(joining: [taught, kept])
    let targets = try data.map { try self.parts(of: $0) } ?? unlabeled(sets, but: labeled)
    let found = Embeddings(joining: try targets.map(embeddings))
    let scaling = FeatureScaling(concatenated([labeled.features, found.features]))
    let classifier = LogisticRegression(scaling(labeled.features), labels: labeled.labels)
    let probabilities = classifier.probabilities(scaling(found.features)).topK(1)
    let check = LogisticRegression(scaling(taught.features), labels: taught.labels)
      .predict(scaling(kept.features))
    return Predictions(
      names: found.names, classNames: labeled.classNames,
      classes: probabilities.map { ($0.indices[0], $0.values[0]) },
      labeledCount: labeled.names.count,
      check: (zip(check, kept.labels).count { $0 == $1 }, check.count))
  }

  private func unlabeled(_ sets: ImageSets, but labeled: Embeddings) throws -> [Part] {
    let (known, images) = (Set(labeled.names), sets.training)
    let others =
      images.labels.isEmpty
      ? (0..<images.count).filter { place in
        images.file(of: place).map { !known.contains($0) } ?? true
      } : []
    guard !others.isEmpty else {
      throw UsageError(
        "predict needs pictures to classify: those of the run have labels, and there is no --data")
    }
    return [Part(name: "", images: Subset(images, indices: others))]
  }
}
