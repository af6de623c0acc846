import Arguments
import Datasets
import Files
import Foundation
import Tensor
import Training

/// What the processes of one run make sure of before its first step.
enum RunProcesses {
  /// Joins the processes that a launcher has started; all but the first print nothing.
  static func join() throws -> ProcessGroup {
    let group = try ProcessGroup.join()
    if !group.isFirst {
      // Launchers pass it on to all; the first process ends its training then, and so all of them.
      signal(SIGUSR2, SIG_IGN)
      let nowhere = open("/dev/null", O_WRONLY)
      dup2(nowhere, STDOUT_FILENO)
      close(nowhere)
    }
    return group
  }

  /// Runs `body` in each process. If it fails in one, the first one says so and all end.
  static func agreeing<Result>(
    _ group: ProcessGroup, _ body: () throws -> Result
  ) throws -> Result {
    guard !group.isSingle else { return try body() }
    let result = Swift.Result(catching: body)
    let failures = group.allGather(failure(of: result))
    guard let rank = failures.firstIndex(where: { !$0.isEmpty }) else { return try result.get() }
    guard group.isFirst else { waitForTheFirst() }
    if rank == 0 { return try result.get() }
    throw ProcessGroupError("rank \(rank): \(failures[rank])")
  }

  private static func failure<Result>(of result: Swift.Result<Result, any Error>) -> String {
    guard case .failure(let error) = result else { return "" }
    let text = "\(error)"
    return text.isEmpty ? "it has failed" : text
  }

  /// The first process says what is wrong and ends; the launcher then ends this one.
  static func waitForTheFirst() -> Never {
    while true { sleep(1) }
  }

  /// Throws if a command line asks for what one process alone can do.
  static func checkSuits(_ group: ProcessGroup, _ options: Options, fitsTime: Bool) throws {
    guard !group.isSingle else { return }
    if options.replay != nil {
      throw UsageError("--replay needs one process; there are \(group.size)")
    }
    if [.lejepa, .distillation].contains(options.method) {
      throw UsageError(
        "--method \(options.method.rawValue) needs one process; there are \(group.size)")
    }
    if options.localViews != nil {
      throw UsageError("--local-views needs one process; there are \(group.size)")
    }
    if fitsTime {
      throw UsageError(
        "--minutes needs --epochs or --steps beside it where there are several processes; there are "
          + "\(group.size)")
    }
  }

  /// The share of a batch that the processes on this machine have.
  static var shareOfThisMachine: Double {
    let size = ProcessGroup.world.size
    let here = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_LOCAL_SIZE"].flatMap { Int($0) }
    return Double(min(size, here ?? size)) / Double(size)
  }

  /// Throws unless all processes have the same command line, images, seed and program.
  static func check(_ group: ProcessGroup, _ options: Options, _ note: RunNote) throws {
    guard !group.isSingle else { return }
    let seen: [(name: String, value: String)] = [
      ("seed", "\(options.seed)"),
      ("data set", "\(note.imageCount) images, \(note.images ?? "")"),
      ("network", note.network.map { "\($0.sorted { $0.key < $1.key })" } ?? ""),
      ("number of steps taken", "\(options.former?.checkpoint.step ?? 0)"),
      ("version of the program", ownFingerprint),
      ("command line", options.words.joined(separator: " ")),
    ]
    for (name, value) in seen {
      let values = group.allGather(value)
      guard let rank = values.firstIndex(where: { $0 != values[0] }) else { continue }
      guard group.isFirst else { waitForTheFirst() }
      throw ProcessGroupError(
        "all processes need one \(name); rank 0 has \"\(shortened(values[0]))\" and rank \(rank) "
          + "\"\(shortened(values[rank]))\"")
    }
  }

  private static func shortened(_ text: String) -> String {
    text.count > 200 ? text.prefix(200) + "…" : text
  }

  /// The size of this program's file and a hash of its bytes.
  private static var ownFingerprint: String {
    guard let path = ownPath, let file = FileManager.default.contents(atPath: path) else {
      return "unknown"
    }
    var print = Fingerprint()
    print.add(file)
    return "\(file.count) bytes, \(print)"
  }

  /// Where this program's file is; nil if the system does not say.
  static var ownPath: String? {
    #if os(Linux)
      return try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    #else
      return Bundle.main.executablePath
    #endif
  }
}
