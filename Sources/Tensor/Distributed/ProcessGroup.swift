import Foundation
import Synchronization

/// Processes that train one network together, each on its part of every batch.
///
/// A program that is started by `mpirun` needs one line, before its first network; started alone, it
/// is a group of one, and MPI is not looked for:
///
/// ```swift
/// let group = try ProcessGroup.join()
/// let trainer = Trainer(learner, optimizer: optimizer, loader: loader, stepCount: 1_000)
/// try trainer.run { if group.isFirst { print($0) } }
/// group.leave()
/// ```
///
/// Inside ``withProcessGroup(_:_:)``, in which a `Trainer` takes its steps, batch norm normalises by
/// the statistics of all processes' rows, and the losses of this package compare each row with
/// those of all processes.
public final class ProcessGroup: Sendable {
  /// This process's number, from 0 on.
  public let rank: Int
  /// How many processes there are.
  public let size: Int
  private let transport: (any ProcessTransport)?

  /// A process alone.
  public static let single = ProcessGroup()

  private static let joined = Mutex<ProcessGroup?>(nil)

  /// The group that this process has joined; a process alone until then.
  public static var world: ProcessGroup { joined.withLock { $0 } ?? single }

  /// The group over which operations of this task compute: see ``withProcessGroup(_:_:)``.
  @TaskLocal package static var current = single

  private init() {
    (rank, size) = (0, 1)
    transport = nil
  }

  /// The processes that a transport joins.
  package init(_ transport: any ProcessTransport) {
    (rank, size) = (transport.rank, transport.size)
    self.transport = transport.size > 1 ? transport : nil
    // A launcher waits for the end of what it saw begin.
    if transport.size == 1 { transport.close() }
  }

  /// Joins the processes that a launcher has started with this one, such as `mpirun`.
  ///
  /// A second call gives the same group. Processes of one machine share its cores unless
  /// `OMP_NUM_THREADS` says otherwise. Of a process that no launcher has started the group is
  /// ``single``.
  ///
  /// - Throws: ``ProcessGroupError`` if there is no MPI, or not the launcher's.
  @discardableResult
  public static func join() throws -> ProcessGroup {
    try joined.withLock { joined in
      if let joined { return joined }
      let group = try MPILaunch.current.map { ProcessGroup(try MPITransport($0)) } ?? single
      joined = group
      if !group.isSingle { shareCores(in: group) }
      return group
    }
  }

  /// Takes at most this process's part of the machine's cores, unless somebody has said how many
  /// threads.
  private static func shareCores(in group: ProcessGroup) {
    let processes = group.allGather(SharedCores.own.text).map { SharedCores(text: $0) }
    guard Threads.count(in: ProcessInfo.processInfo.environment) == nil else { return }
    let share = SharedCores.threads(of: group.rank, among: processes)
    // A program may have asked for fewer.
    Threads.count = min(Threads.count, share)
  }

  /// Whether this is the process that writes and prints.
  public var isFirst: Bool { rank == 0 }

  /// Whether there is nobody else.
  public var isSingle: Bool { transport == nil }

  /// Waits for all processes and says that all went well. To be called at the end of a program that
  /// has joined a group: a process that ends otherwise takes the others with it.
  public func leave() { transport?.close() }

  /// Ends all processes with an exit code, or this one if it is alone.
  public func abort(_ code: Int32) -> Never {
    transport?.abort(code)
    exit(code)
  }

  /// The group by a way of its own, for a thread that sends while others do; nil if there is none.
  func makeSecond() -> ProcessGroup? { transport?.makeSecond().map(ProcessGroup.init) }
}

/// Runs `body` with batch norms and losses that look at the rows of all processes of `group`.
///
/// Every process runs it with the same operations in the same order.
public func withProcessGroup<Result>(
  _ group: ProcessGroup, _ body: () throws -> Result
) rethrows -> Result {
  try ProcessGroup.$current.withValue(group, operation: body)
}

/// Why several processes cannot train together.
public struct ProcessGroupError: Error, Hashable, CustomStringConvertible {
  /// What is missing or differs, and what helps.
  public let description: String

  /// An error that says `description`.
  public init(_ description: String) { self.description = description }
}

// MARK: - Bytes

extension ProcessGroup {
  /// Waits for all processes.
  public func barrier() { transport?.barrier() }

  /// Makes `bytes` on every process those of `root`.
  ///
  /// - Precondition: All processes have as many.
  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int = 0) {
    transport?.broadcast(bytes, from: root)
  }

  /// The bytes of `root`, of which the others need not know the number.
  package func broadcast(_ bytes: [UInt8], from root: Int = 0) -> [UInt8] {
    guard !isSingle else { return bytes }
    var count = UInt64(bytes.count)
    withUnsafeMutableBytes(of: &count) { broadcast($0, from: root) }
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
    result.withUnsafeMutableBytes { broadcast($0, from: root) }
    return result
  }

  /// The numbers of the first process, for which the others wait without a busy core.
  ///
  /// - Precondition: All processes have as many.
  package func numbersOfFirst(_ numbers: [Int]) -> [Int] {
    var numbers = numbers
    numbers.withUnsafeMutableBytes { transport?.broadcastPatiently($0, from: 0) }
    return numbers
  }

  /// The text of each process, in the order of their ranks.
  package func allGather(_ text: String) -> [String] {
    guard !isSingle else { return [text] }
    let bytes = Array(text.utf8)
    let counts = allGather([bytes.count]).map { $0[0] }
    let all = allGather(bytes, counts: counts, filler: 0)
    var start = 0
    return counts.map { count in
      defer { start += count }
      return String(decoding: all[start..<start + count], as: UTF8.self)
    }
  }

  /// The numbers of each process, in the order of their ranks.
  ///
  /// - Precondition: All processes have as many.
  package func allGather(_ numbers: [Int]) -> [[Int]] {
    let all = allGather(numbers, counts: Array(repeating: numbers.count, count: size), filler: 0)
    return (0..<size).map { Array(all[$0 * numbers.count..<($0 + 1) * numbers.count]) }
  }

  /// The elements of all processes behind each other.
  func allGather<Element: BitwiseCopyable>(
    _ elements: [Element], counts: [Int], filler: Element
  ) -> [Element] {
    guard let transport else { return elements }
    var result = [Element](repeating: filler, count: counts.reduce(0, +))
    let stride = MemoryLayout<Element>.stride
    elements.withUnsafeBytes { source in
      result.withUnsafeMutableBytes { target in
        transport.allGather(source, counts: counts.map { $0 * stride }, into: target)
      }
    }
    return result
  }

  /// The elements of all processes behind each other, from and into memory of the caller's.
  func allGather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) {
    transport?.allGather(bytes, counts: counts, into: result)
  }

  /// Exchanges parts: see ``ProcessTransport/allToAll(_:counts:receivedCounts:into:)``.
  func allToAll(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], receivedCounts: [Int],
    into result: UnsafeMutableRawBufferPointer
  ) {
    transport?.allToAll(bytes, counts: counts, receivedCounts: receivedCounts, into: result)
  }
}
