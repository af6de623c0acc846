import Tensor

/// A module whose own code treats each sample of a batch independently of the others.
///
/// Each sample's output depends only on that sample; submodules receive the samples in order, with
/// equally many rows each. ``BatchNorm`` conforms because ``withGhostBatchNorm(parts:_:)`` keeps
/// batches apart, ``Dropout`` because only its draws change. Two batches can then go through the
/// module as one: learners run both views at once through a network of many weights that conforms.
public protocol SampleIndependent: Module {}

extension Module {
  /// Whether this module and all below it are `SampleIndependent`s.
  public var isSampleIndependent: Bool {
    namedModules.allSatisfy { $0.module is any SampleIndependent }
  }
}

/// Runs `body`, in which ``BatchNorm`` splits its inputs into `count` equal parts along the first
/// axis.
///
/// Each part is normalised by its own statistics, and each moves the running ones.
///
/// - Precondition: There is at least one part, and the rows of each input divide by the parts.
public func withGhostBatchNorm<Result>(
  parts count: Int, _ body: () throws -> Result
) rethrows -> Result {
  precondition(count > 0, "a batch needs at least 1 part; got \(count)")
  return try GhostBatchNorm.$parts.withValue(count, operation: body)
}

enum GhostBatchNorm {
  @TaskLocal static var parts = 1
}
