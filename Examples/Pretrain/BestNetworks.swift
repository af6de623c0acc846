import Foundation
import SelfSupervised

/// The networks that the labels liked best on the way, in files whose names say when and how well.
struct BestNetworks {
  /// A file's name: best-epoch-12-knn-0.8310.safetensors.
  private struct Entry {
    let epoch: Int
    let accuracy: Float

    init(epoch: Int, accuracy: Float) {
      self.epoch = epoch
      // As in the name, so that a run that goes on knows no more of it than one that did not stop.
      self.accuracy = (accuracy * 10_000).rounded() / 10_000
    }

    init?(_ name: String) {
      let words = name.components(separatedBy: "-")
      guard words.count == 5, words[0] == "best", words[1] == "epoch", words[3] == "knn",
        let epoch = Int(words[2]), words[4].hasSuffix(".safetensors"),
        let accuracy = Float(words[4].dropLast(".safetensors".count))
      else { return nil }
      self.init(epoch: epoch, accuracy: accuracy)
      guard self.name == name else { return nil }
    }

    var name: String { String(format: "best-epoch-%d-knn-%.4f.safetensors", epoch, accuracy) }

    /// Of two that are as good the earlier one is kept.
    func isBetter(than other: Entry) -> Bool {
      accuracy == other.accuracy ? epoch < other.epoch : accuracy > other.accuracy
    }
  }

  let directory: String
  /// How many are kept.
  let count: Int

  /// Saves a network if it is among the best, in the place of the one that no longer is.
  func consider(_ net: any Module, epoch: Int, accuracy: Float) throws {
    let new = Entry(epoch: epoch, accuracy: accuracy)
    let all = try entries()
    // A run that goes on comes to an epoch again, with other threads perhaps to another number.
    try all.filter { $0.epoch == epoch }.forEach(remove)
    let others = all.filter { $0.epoch != epoch }.sorted { $0.isBetter(than: $1) }
    guard others.prefix(count).filter({ $0.isBetter(than: new) }).count < count else { return }
    try net.save(to: directory + "/" + new.name)
    try others.dropFirst(count - 1).forEach(remove)
  }

  /// Removes those of an earlier run.
  func removeAll() throws { try entries().forEach(remove) }

  private func entries() throws -> [Entry] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory).compactMap(Entry.init)
    } catch {
      throw FileError(path: directory, reason: "cannot be listed: \(error.localizedDescription)")
    }
  }

  private func remove(_ entry: Entry) throws {
    let path = directory + "/" + entry.name
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw FileError(
        path: path, reason: "cannot be removed: \(error.localizedDescription)",
        kind: .unwritable)
    }
  }
}
