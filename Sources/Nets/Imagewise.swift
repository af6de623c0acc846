import Tensor

/// A module whose own code treats each image of a batch on its own, so that two batches can go through it as
/// one: nothing of an image depends on its place in the batch or on the other images, and each module below
/// gets the images in their order along the first axis, as many rows of each as of any other.
///
/// ``BatchNorm`` is one, for ``withBatchParts(_:_:)`` keeps its batches apart; so is ``Dropout``, of which only
/// the draws change. Learners that take two views of each image alike run both at once through a network of
/// your own that conforms, if its weights are many.
public protocol ImagewiseModule: Module {}

extension Module {
  /// Whether this module and all below it are `ImagewiseModule`s.
  public var isImagewise: Bool { namedModules.allSatisfy { $0.module is any ImagewiseModule } }
}

/// Runs `body`, in which ``BatchNorm`` takes its inputs for `count` batches of one size, one after the other
/// along the first axis: each is normalised by its own statistics, and each moves the running ones.
///
/// - Precondition: There is at least one part, and the rows of each input divide by the parts.
public func withBatchParts<Result>(
  _ count: Int, _ body: () throws -> Result
) rethrows -> Result {
  precondition(count > 0, "a batch needs at least 1 part; got \(count)")
  return try BatchParts.$count.withValue(count, operation: body)
}

enum BatchParts {
  @TaskLocal static var count = 1
}
