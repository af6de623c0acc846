import Foundation
import Tensor

/// The loss of one batch, and what belongs to it.
public struct StepLoss {
  /// The scalar to differentiate.
  public let value: Tensor
  /// Projections [count, size] of one view, without their record: what the statistics are of.
  public let projections: Tensor
  /// Projections of pixels [pixels, size], without their record, if the method has them.
  public let pixelProjections: Tensor?
  /// Further numbers for a log, in order.
  public let metrics: Metrics
  /// What the step changes once the optimizer has moved; called once, by the learner.
  let commit: (() -> Void)?

  /// The loss of one batch.
  ///
  /// - Parameters:
  ///   - value: The scalar to differentiate.
  ///   - projections: Projections [count, size] of one view.
  ///   - pixelProjections: Projections of pixels [pixels, size], if the method has them.
  ///   - metrics: Further numbers for a log.
  ///   - commit: What the step changes once the optimizer has moved, such as a memory. Nothing is
  ///     called of losses that nobody differentiates, or in evaluation mode.
  public init(
    _ value: Tensor, projections: Tensor, pixelProjections: Tensor? = nil, metrics: Metrics = [:],
    commit: (() -> Void)? = nil
  ) {
    self.value = value
    self.projections = projections.detached
    self.pixelProjections = pixelProjections?.detached
    self.metrics = metrics
    self.commit = commit
  }

  /// The loss as a number.
  public var item: Float { value.item }

  /// Adds the gradient of the loss to every trainable parameter it was computed from.
  public func backward() { value.backward() }

  /// The same, which tells of each parameter when its gradient is complete.
  package func backward(_ ready: (Parameter) -> Void) { value.backward(ready) }

  /// How the projections look; computed at each call.
  public var statistics: ProjectionStatistics {
    ProjectionStatistics(projections, pixels: pixelProjections)
  }

  /// The same loss of another scalar.
  func replacing(_ value: Tensor) -> StepLoss {
    StepLoss(
      value, projections: projections, pixelProjections: pixelProjections, metrics: metrics,
      commit: commit)
  }
}

/// Numbers under the names that a log gives them, in order.
public struct Metrics: Sendable, ExpressibleByDictionaryLiteral, Sequence {
  private var entries: [(name: String, value: Float)]

  /// Numbers under their names.
  public init(dictionaryLiteral elements: (String, Float)...) {
    entries = elements.map { (name: $0.0, value: $0.1) }
  }

  /// Numbers under their names, in order.
  public init(_ entries: [(name: String, value: Float)]) { self.entries = entries }

  /// These numbers, and others behind them.
  public static func + (first: Metrics, second: Metrics) -> Metrics {
    Metrics(first.entries + second.entries)
  }

  /// The number under a name.
  public subscript(name: String) -> Float? { entries.first { $0.name == name }?.value }

  /// Goes over names and numbers in order.
  public func makeIterator() -> IndexingIterator<[(name: String, value: Float)]> {
    entries.makeIterator()
  }
}

extension Metrics: CustomStringConvertible {
  /// Names and numbers on one line: "knn 0.812, agreement 0.95".
  public var description: String {
    entries.map { "\($0.name) " + String(format: "%.4g", $0.value) }.joined(separator: ", ")
  }
}
