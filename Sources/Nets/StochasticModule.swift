import Tensor

/// A layer that draws random numbers when it runs, such as dropout.
///
/// A layer of your own that conforms can be run twice with the same draws.
public protocol StochasticModule: Module {
  /// Where the next draws come from.
  var stream: RandomStream { get set }
}

extension Module {
  /// Runs `body` and then restores buffers and random streams.
  ///
  /// A second run gives the same result: running statistics have not moved, and dropout draws the
  /// same numbers.
  public func restoringState<Result>(_ body: () throws -> Result) rethrows -> Result {
    let (buffers, layers) = (
      buffers, namedModules.compactMap { $0.module as? any StochasticModule }
    )
    let (values, streams) = (buffers.map(\.value), layers.map(\.stream))
    defer {
      zip(buffers, values).forEach { $0.value = $1 }
      zip(layers, streams).forEach { $0.stream = $1 }
    }
    return try body()
  }
}
