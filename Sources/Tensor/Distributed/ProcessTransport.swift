/// What carries bytes between the processes of a group.
///
/// Every process calls the same functions in the same order. Nothing is thrown: a message that
/// cannot be carried ends all processes, for the others wait for this one.
package protocol ProcessTransport: Sendable {
  /// This process's number, from 0 on.
  var rank: Int { get }
  /// How many processes there are.
  var size: Int { get }

  /// Makes `bytes` on every process those of `root`.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int)

  /// The same for processes that may wait for long, and leave their cores to others meanwhile.
  func broadcastPatiently(_ bytes: UnsafeMutableRawBufferPointer, from root: Int)

  /// Puts the bytes of all processes behind each other, in the order of their ranks.
  ///
  /// - Parameters:
  ///   - bytes: This process's, as many as `counts` says.
  ///   - counts: How many each process has.
  ///   - result: Room for all of them.
  func allGather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer)

  /// Sends each process its part and takes the parts that all have for this one, in the order of
  /// their ranks.
  ///
  /// - Parameters:
  ///   - bytes: The parts for ranks 0, 1, …, of `counts` bytes each.
  ///   - counts: How many go to each process.
  ///   - receivedCounts: How many come from each.
  ///   - result: Room for what comes.
  func allToAll(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], receivedCounts: [Int],
    into result: UnsafeMutableRawBufferPointer)

  /// Waits for all processes.
  func barrier()

  /// A second way between the same processes, which another thread may use at the same time; nil if
  /// there is none.
  func makeSecond() -> (any ProcessTransport)?

  /// Ends all processes at once, with an exit code.
  func abort(_ code: Int32) -> Never

  /// Says that all went well; nothing is carried after it.
  func close()
}
