import Files
import Foundation

/// Carries bytes between processes by an MPI library that is opened at run time.
struct MPITransport: ProcessTransport {
  let rank: Int
  let size: Int
  private let functions: MPIFunctions
  private let communicator: UInt
  private let allowsThreads: Bool

  /// Starts MPI in a process that a launcher has started.
  ///
  /// - Throws: ``ProcessGroupError`` if there is no library, or it is not the launcher's.
  init(_ launch: MPILaunch) throws {
    let library = try launch.openLibrary()
    let interface = MPIInterface.of(library)
    if let launcher = launch.interface, launcher.name != interface.name,
      interface.name != MPIInterface.standard.name
    {
      throw Self.mismatch(launcher, interface, library)
    }
    functions = try MPIFunctions(library, interface)
    communicator = functions.world
    let level = try functions.start()
    guard level >= interface.serialized else {
      throw ProcessGroupError(
        "\(library.name) allows MPI on the first thread alone; a training needs it on any thread")
    }
    allowsThreads = level >= interface.multiple
    (rank, size) = (
      functions.number(functions.rank, communicator), functions.number(functions.size, communicator)
    )
    functions.returnErrors(communicator)
    if let expected = launch.size, expected != size {
      throw ProcessGroupError(
        "the launcher has started \(expected) processes and \(library.name) sees \(size): it is not "
          + "the launcher's library")
    }
  }

  private init(_ other: MPITransport, _ communicator: UInt) {
    (rank, size, functions) = (other.rank, other.size, other.functions)
    self.communicator = communicator
    allowsThreads = false
  }

  private static func mismatch(
    _ launcher: MPIInterface, _ found: MPIInterface, _ library: DynamicLibrary
  ) -> ProcessGroupError {
    ProcessGroupError(
      "the launcher is \(launcher.name)'s and the library \(library.name) is \(found.name)'s: start "
        + "the program with \(found.name)'s mpirun, or apt-get install \(launcher.package)")
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    var start = 0
    while start < bytes.count {
      let count = min(bytes.count - start, Self.longestMessage)
      check(
        functions.broadcast(
          bytes.baseAddress.map { $0 + start }, Int32(count), functions.byte, Int32(root),
          communicator), "MPI_Bcast")
      start += count
    }
  }

  func broadcastPatiently(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    precondition(bytes.count <= Self.longestMessage, "a patient broadcast is a short one")
    // Wide enough for a pointer; an interface with narrower handles writes its lower half.
    var request: UInt = 0
    check(
      functions.beginBroadcast(
        bytes.baseAddress, Int32(bytes.count), functions.byte, Int32(root), communicator, &request),
      "MPI_Ibcast")
    // Room for the status of any library.
    var status = [UInt64](repeating: 0, count: 32)
    var (isDone, pause): (Int32, UInt32) = (0, 0)
    let start = ContinuousClock.now
    while true {
      check(functions.test(&request, &isDone, &status), "MPI_Test")
      if isDone != 0 { return }
      // The usual wait is shorter than a system call for sleep.
      guard ContinuousClock.now - start > .milliseconds(2) else { continue }
      pause = min(pause + 100, 5_000)
      usleep(pause)
    }
  }

  /// Counts are 32-bit integers.
  private static let longestMessage = 1 << 30

  func allGather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) {
    guard counts.reduce(0, +) <= Self.longestMessage else {
      return allGatherOneByOne(bytes, counts, result)
    }
    check(
      functions.allGather(
        bytes.baseAddress ?? Self.nowhere, Int32(bytes.count), functions.byte,
        result.baseAddress ?? Self.nowhereMutable, counts.map { Int32($0) }, starts(counts),
        functions.byte, communicator), "MPI_Allgatherv")
  }

  private func allGatherOneByOne(
    _ bytes: UnsafeRawBufferPointer, _ counts: [Int], _ result: UnsafeMutableRawBufferPointer
  ) {
    var start = 0
    for (root, count) in counts.enumerated() {
      let part = UnsafeMutableRawBufferPointer(rebasing: result[start..<start + count])
      if root == rank { part.copyMemory(from: bytes) }
      broadcast(part, from: root)
      start += count
    }
  }

  func allToAll(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], receivedCounts: [Int],
    into result: UnsafeMutableRawBufferPointer
  ) {
    precondition(
      max(bytes.count, result.count) <= Self.longestMessage,
      "allToAll needs at most 2^30 bytes; got \(bytes.count)")
    check(
      functions.allToAll(
        bytes.baseAddress ?? Self.nowhere, counts.map { Int32($0) }, starts(counts), functions.byte,
        result.baseAddress ?? Self.nowhereMutable, receivedCounts.map { Int32($0) },
        starts(receivedCounts), functions.byte, communicator), "MPI_Alltoallv")
  }

  /// Where messages without bytes are.
  private static var nowhereMutable: UnsafeMutableRawPointer { MPIFunctions.nowhere }
  private static var nowhere: UnsafeRawPointer { UnsafeRawPointer(MPIFunctions.nowhere) }

  private func starts(_ counts: [Int]) -> [Int32] {
    counts.reduce(into: ([], 0)) { (result: inout (starts: [Int32], sum: Int32), count) in
      result.starts.append(result.sum)
      result.sum += Int32(count)
    }.starts
  }

  func barrier() { check(functions.barrier(communicator), "MPI_Barrier") }

  func makeSecond() -> (any ProcessTransport)? {
    guard allowsThreads else { return nil }
    // Wide enough for a pointer; an interface with narrower handles writes its lower half.
    var handle: UInt = 0
    check(functions.duplicate(communicator, &handle), "MPI_Comm_dup")
    functions.returnErrors(handle)
    return MPITransport(self, handle)
  }

  func abort(_ code: Int32) -> Never {
    _ = functions.abort(functions.world, code)
    exit(code)
  }

  func close() {
    // MPI_Finalize waits with a busy core, and the first process may have work left.
    var end: UInt8 = 0
    withUnsafeMutableBytes(of: &end) { broadcastPatiently($0, from: 0) }
    _ = functions.finish()
  }

  private func check(_ code: Int32, _ operation: String) {
    guard code != 0 else { return }
    let text = "rank \(rank) of \(size): \(operation) failed: \(functions.text(of: code))\n"
    FileHandle.standardError.write(Data(text.utf8))
    abort(70)
  }
}

/// The functions of an MPI library.
///
/// A handle is passed as the integer of its bits: 32 of them where it is an `int`.
struct MPIFunctions: Sendable {
  typealias Communicate = @convention(c) (UInt) -> Int32
  typealias Ask = @convention(c) (UInt, UnsafeMutablePointer<Int32>) -> Int32

  let broadcast: @convention(c) (UnsafeMutableRawPointer?, Int32, UInt, Int32, UInt) -> Int32
  let beginBroadcast:
    @convention(c) (
      UnsafeMutableRawPointer?, Int32, UInt, Int32, UInt, UnsafeMutablePointer<UInt>
    ) -> Int32
  let test:
    @convention(c) (
      UnsafeMutablePointer<UInt>, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer
    ) -> Int32
  let allGather:
    @convention(c) (
      UnsafeRawPointer, Int32, UInt, UnsafeMutableRawPointer, UnsafePointer<Int32>,
      UnsafePointer<Int32>, UInt, UInt
    ) -> Int32
  let allToAll:
    @convention(c) (
      UnsafeRawPointer, UnsafePointer<Int32>, UnsafePointer<Int32>, UInt, UnsafeMutableRawPointer,
      UnsafePointer<Int32>, UnsafePointer<Int32>, UInt, UInt
    ) -> Int32
  let barrier: Communicate
  let rank: Ask
  let size: Ask
  let duplicate: @convention(c) (UInt, UnsafeMutablePointer<UInt>) -> Int32
  let abort: @convention(c) (UInt, Int32) -> Int32
  let finish: @convention(c) () -> Int32
  let world: UInt
  let byte: UInt

  private let library: DynamicLibrary
  private let interface: MPIInterface
  private let initialize:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>
    ) -> Int32
  private let setErrorHandler: @convention(c) (UInt, UInt) -> Int32
  private let errorString:
    @convention(c) (Int32, UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
  private let errorsReturn: UInt

  /// Where messages without bytes are. Never read or written.
  nonisolated(unsafe) static let nowhere = UnsafeMutableRawPointer.allocate(
    byteCount: 16, alignment: 16)

  init(_ library: DynamicLibrary, _ interface: MPIInterface) throws {
    func handle(_ handle: MPIInterface.Handle) throws -> UInt {
      switch handle {
      case .number(let number): number
      case .symbol(let name): UInt(bitPattern: try library.address(of: name))
      }
    }
    do {
      broadcast = try library.function("MPI_Bcast")
      beginBroadcast = try library.function("MPI_Ibcast")
      test = try library.function("MPI_Test")
      allGather = try library.function("MPI_Allgatherv")
      allToAll = try library.function("MPI_Alltoallv")
      barrier = try library.function("MPI_Barrier")
      rank = try library.function("MPI_Comm_rank")
      size = try library.function("MPI_Comm_size")
      duplicate = try library.function("MPI_Comm_dup")
      abort = try library.function("MPI_Abort")
      finish = try library.function("MPI_Finalize")
      initialize = try library.function("MPI_Init_thread")
      setErrorHandler = try library.function("MPI_Comm_set_errhandler")
      errorString = try library.function("MPI_Error_string")
      world = try handle(interface.world)
      byte = try handle(interface.byte)
      errorsReturn = try handle(interface.errorsReturn)
    } catch {
      throw ProcessGroupError("MPI \(error)")
    }
    self.library = library
    self.interface = interface
  }

  /// Starts MPI, for calls from several threads at once if it can.
  ///
  /// - Returns: Which threads may call it.
  func start() throws -> Int32 {
    var level: Int32 = 0
    let code = initialize(nil, nil, interface.multiple, &level)
    guard code == 0 else {
      throw ProcessGroupError("MPI_Init_thread of \(library.name) failed: \(text(of: code))")
    }
    return level
  }

  func returnErrors(_ communicator: UInt) { _ = setErrorHandler(communicator, errorsReturn) }

  func number(_ ask: Ask, _ communicator: UInt) -> Int {
    var number: Int32 = 0
    _ = ask(communicator, &number)
    return Int(number)
  }

  /// An error code in the library's words.
  func text(of code: Int32) -> String {
    // The longest text of any library.
    var buffer = [CChar](repeating: 0, count: 8_192)
    var length: Int32 = 0
    guard errorString(code, &buffer, &length) == 0 else { return "code \(code)" }
    return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
