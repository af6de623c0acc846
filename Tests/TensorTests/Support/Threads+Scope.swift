import Tensor

extension Threads {
  /// Runs `body` with another number of threads.
  static func with<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    let before = Threads.count
    Threads.count = count
    defer { Threads.count = before }
    return try body()
  }
}
