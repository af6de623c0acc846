import Arguments
import Foundation
import Tensor
import Training

/// `pretrain launch -n N [--hosts …] [--threads T] [--restarts R] -- flags`: builds the line of Open
/// MPI's `mpirun`, runs it, and starts again from the last checkpoint when a process has died.
struct Launch {
  private let processes: Int
  private let hosts: [String]
  /// The threads of each process; nil if the command line does not say.
  private let threads: Int?
  private let restarts: Int
  private let words: [String]

  init?(_ words: [String]) throws {
    let place = words.firstIndex(of: "--")
    let own = words[..<(place ?? words.endIndex)].map { $0 == "-n" ? "--processes" : $0 }
    let known = Self.flags.map(\.name)
    if let word = own.first(where: { word in
      !known.contains(word) && Options.flags.contains { $0.name == word }
    }) {
      throw UsageError(
        "launch needs the flags of the training behind --, as in launch -n 2 -- \(word) …")
    }
    let arguments = try Arguments(Array(own), flags: Self.flags)
    if arguments.has("--help") {
      say(Self.help)
      return nil
    }
    guard let processes = try arguments.optionalInteger("--processes", in: 1...65_536) else {
      throw UsageError("launch needs -n N, the number of processes")
    }
    self.processes = processes
    hosts = (arguments.string("--hosts") ?? "").split(separator: ",").map(String.init)
    guard !arguments.has("--hosts") || !hosts.isEmpty, hosts.count <= processes else {
      throw UsageError(
        "--hosts needs names such as a,b, at most as many as there are processes; got "
          + "\"\(arguments.string("--hosts") ?? "")\" for \(processes)")
    }
    threads = try arguments.optionalInteger("--threads", in: 1...1_024)
    restarts = try arguments.integer("--restarts", in: 0...1_000_000)
    self.words = place.map { Array(words[($0 + 1)...]) } ?? []
    if restarts > 0, directory == nil {
      throw UsageError("--restarts needs --out DIR behind --, where the checkpoint is")
    }
    guard self.words.first.map({ $0.hasPrefix("-") || $0 == "train" }) ?? true else {
      throw UsageError("launch trains; got \(self.words[0])")
    }
  }

  private static let flags = [
    Flag("--processes", "N", "how many processes, for which -n is short"),
    Flag("--hosts", "LIST", "the machines, such as a,b; this one if not given"),
    Flag("--threads", "T", "threads of each process; cores / N if not given"),
    Flag(
      "--restarts", "R", "how often to start again from the checkpoint when a process has died",
      standard: "0"),
    Flag("--help", "this text"),
  ]

  private static var help: String {
    """
    usage: pretrain launch -n N [flags] -- [flags of pretrain]

    Trains with N processes, each on its part of every batch: what one process would train.

    \(flags.help)
    """
  }
}

// MARK: - The command line

extension Launch {
  /// Where the run's files are; nil if its flags do not say.
  private var directory: String? { value(of: "--out") ?? value(of: "--resume") }

  private func value(of flag: String) -> String? {
    for (index, word) in words.enumerated().reversed() {
      if word == flag, index + 1 < words.count { return words[index + 1] }
      if word.hasPrefix(flag + "=") { return String(word.dropFirst(flag.count + 1)) }
    }
    return nil
  }

  /// The words behind `mpirun`.
  private func line(_ program: String, _ words: [String]) -> [String] {
    var line = ["-n", "\(processes)", "--bind-to", "none"]
    if hosts.isEmpty {
      line.append("--oversubscribe")
    } else {
      let places = hosts.map { $0.contains(":") ? $0 : "\($0):\(processesPerHost)" }
      line += ["--host", places.joined(separator: ",")]
    }
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
      line += ["-x", "\(name)=\(value)"]
    }
    return line + [program] + words
  }

  /// How many processes a host has at most.
  private var processesPerHost: Int {
    (processes + max(1, hosts.count) - 1) / max(1, hosts.count)
  }

  /// What processes find in their environment, where the user has not said otherwise.
  private var settings: [String: String] {
    let own = ProcessInfo.processInfo.environment
    let said = threads ?? own["OMP_NUM_THREADS"]?.split(separator: ",").first.flatMap { Int($0) }
    let threads = said ?? max(1, Threads.available / processesPerHost)
    var settings = ["OMP_NUM_THREADS": "\(threads)", "OPENBLAS_NUM_THREADS": "\(threads)"]
    // Containers forbid what one process would read another's memory with.
    let copying = "OMPI_MCA_btl_vader_single_copy_mechanism"
    settings[copying] = own[copying] ?? "none"
    if processesPerHost * threads > Threads.available {
      settings["OMPI_MCA_mpi_yield_when_idle"] = "1"
    }
    return settings
  }

  /// What `mpirun` itself finds in its environment.
  private var launcherEnvironment: [String: String] {
    var environment = ProcessInfo.processInfo.environment
    for (name, value) in settings { environment[name] = value }
    if geteuid() == 0 {
      environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    if hosts.isEmpty, Self.find("ssh") == nil { environment["OMPI_MCA_plm_rsh_agent"] = "sh" }
    return environment
  }

  /// Open MPI's launcher.
  private static func launcher() throws -> String {
    for name in ["mpirun.openmpi", "mpirun"] {
      guard let path = find(name) else { continue }
      if name == "mpirun.openmpi" || version(of: path).contains("Open MPI") { return path }
    }
    throw ProcessGroupError(
      "launch needs mpirun of Open MPI on the path; install it with: apt-get install "
        + "openmpi-bin libopenmpi3")
  }

  private static func find(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
      "\($0)/\(name)"
    }
    .first { access($0, X_OK) == 0 }
  }

  private static func version(of path: String) -> String {
    let (process, pipe) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["--version"]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "" }
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }
}

// MARK: - Running

extension Launch {
  /// Runs the processes to their end, again after a death as often as is allowed.
  ///
  /// - Returns: The exit code.
  func run() throws -> Int32 {
    let launcher = try Self.launcher()
    guard let program = RunProcesses.ownPath else {
      throw ProcessGroupError("the system does not say where this program's file is")
    }
    var (words, attempt) = (words, 0)
    let former = checkpointTime
    let hadRun = directory.map { RunDirectory.holdsRun($0) } ?? true
    while true {
      let code = try ChildProcess(launcher, line(program, words), launcherEnvironment).wait()
      let isDeath = code != 0 && !Self.explained.contains(code) && !ChildProcess.endIsRequested
      guard isDeath, attempt < restarts, let directory else { return code }
      guard FileManager.default.fileExists(atPath: directory) else {
        complain("\(directory) is not on this machine: start launch where rank 0 runs")
        return code
      }
      attempt += 1
      // Before the first new checkpoint the flags are still those of this command line; what was there
      // before belongs to a run that --overwrite would replace.
      let isResumed = value(of: "--resume") != nil
      let hasProgressed = checkpointTime != former
      words =
        hasProgressed
        ? ["--resume", directory] : self.words + (hadRun || isResumed ? [] : ["--overwrite"])
      say(
        "a process has died (exit code \(code)); all start again "
          + (hasProgressed || isResumed
            ? "from the checkpoint in \(directory)" : "from the beginning")
          + " (restart \(attempt) of \(restarts))")
    }
  }

  /// Exit codes of runs that have said why they ended: the next one would say the same.
  private static let explained: Set<Int32> = [64, 65, 66, 69, 74]

  /// When the run's checkpoint was written; nil if there is none.
  private var checkpointTime: Date? {
    let path = directory.map { CheckpointPolicy.path(in: $0) }
    return path.flatMap {
      try? FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date
    }
  }
}
