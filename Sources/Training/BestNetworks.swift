import Foundation
import Nets
import SelfSupervised

/// Keeps the networks that an evaluation liked best, in files whose names say when and how well:
/// `best-epoch-12-knn-0.8310.safetensors`.
public struct BestNetworks: TrainingCallback {
  private struct Entry {
    let epoch: Int
    let value: Float
    let metric: String

    init(epoch: Int, value: Float, metric: String) {
      self.epoch = epoch
      self.metric = metric
      // As in the name, so that a training that goes on knows no more of it than one that did not
      // stop.
      self.value = (value * 10_000).rounded() / 10_000
    }

    init?(_ name: String, metric: String) {
      guard name.hasPrefix(Self.start), name.hasSuffix(Self.end) else { return nil }
      // A value below zero begins with a hyphen of its own.
      let words = name.dropFirst(Self.start.count).dropLast(Self.end.count)
        .split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3, words[1] == metric, let epoch = Int(words[0]),
        let value = Float(words[2])
      else { return nil }
      self.init(epoch: epoch, value: value, metric: metric)
      guard self.name == name else { return nil }
    }

    var name: String {
      "\(Self.start)\(epoch)-\(metric)-" + String(format: "%.4f", value) + Self.end
    }

    private static let (start, end) = ("best-epoch-", ".safetensors")

    /// Of two that are as good the earlier one is kept.
    func isBetter(than other: Entry) -> Bool {
      value == other.value ? epoch < other.epoch : value > other.value
    }
  }

  private let directory: String
  private let count: Int
  private let metric: String

  /// Keeps the `count` networks with the highest `metric` of those that ``Evaluation`` looks at.
  public init(in directory: String, count: Int, by metric: String = "knn") {
    precondition(
      count > 0 && !metric.contains("-") && !metric.contains("/"),
      "BestNetworks needs a count of 1 or more and a metric without - and /; got \(count), \(metric)"
    )
    self.directory = directory
    self.count = count
    self.metric = metric
  }

  /// Saves the network if it is among the best, in the place of the one that no longer is.
  public func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent] {
    // A network that has diverged is no best one.
    guard let value = report.evaluated(metric), value.isFinite else { return [] }
    do {
      return try keep(trainer.learner.net, report, value)
    } catch let error as FileError {
      return [.notWritten(error)]
    }
  }

  private func keep(
    _ net: any Module, _ report: StepReport, _ value: Float
  ) throws -> [TrainingEvent] {
    let new = Entry(epoch: report.epoch + 1, value: value, metric: metric)
    // A training that goes on comes to an evaluation again, and to the same number.
    let others = try Self.entries(in: directory, metric).filter { $0.name != new.name }
      .sorted { $0.isBetter(than: $1) }
    guard others.prefix(count).filter({ $0.isBetter(than: new) }).count < count else { return [] }
    let path = directory + "/" + new.name
    try net.save(to: path)
    try others.dropFirst(count - 1).forEach(remove)
    return [.checkpoint(path: path)]
  }

  private static func entries(in directory: String, _ metric: String) throws -> [Entry] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory)
        .compactMap { Entry($0, metric: metric) }
    } catch {
      throw FileError(path: directory, reason: "cannot be listed: \(systemReason(of: error))")
    }
  }

  private func remove(_ entry: Entry) throws {
    let path = directory + "/" + entry.name
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw FileError(path: path, reason: "cannot be removed: \(systemReason(of: error))")
    }
  }
}
