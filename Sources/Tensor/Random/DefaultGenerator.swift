import Synchronization

/// The stream that layers draw their initial weights from when none is passed.
///
/// Unpredictable unless the code runs inside ``withRandomSeed(_:_:)``.
package final class DefaultGenerator: Sendable {
  @TaskLocal package static var current = DefaultGenerator(.unpredictable())

  private let stream: Mutex<RandomStream>

  init(_ stream: RandomStream) { self.stream = Mutex(stream) }

  /// An independent stream, for one owner.
  package func split() -> RandomStream { stream.withLock { $0.split() } }
}

/// Runs `body` with every weight that is initialised in it drawn from the stream of `seed`.
///
/// ```swift
/// let net = withRandomSeed(7) { ResNet.resNet18() }   // the same weights every time
/// ```
public func withRandomSeed<Result>(_ seed: UInt64, _ body: () throws -> Result) rethrows -> Result {
  try DefaultGenerator.$current.withValue(
    DefaultGenerator(RandomStream(seed: seed)), operation: body)
}
