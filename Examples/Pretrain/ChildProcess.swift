import Foundation
import Synchronization
import Tensor
import Training

// Counted without locks: a signal handler may do no more.
private let endRequests = Atomic<Int>(0)
private let saveRequests = Atomic<Int>(0)

/// A program in a process group of its own, to which signals are passed on.
///
/// `mpirun` would end all processes at SIGINT and SIGTERM; it passes SIGUSR2 on, at which they write
/// a checkpoint and end. A second SIGINT or SIGTERM ends them at once.
struct ChildProcess {
  private let identifier: pid_t

  /// Whether a signal has asked for an end.
  static var endIsRequested: Bool { endRequests.load(ordering: .relaxed) > 0 }

  /// Starts a program.
  init(_ path: String, _ words: [String], _ environment: [String: String]) throws {
    // Of a child whose end is ignored there is no exit code.
    signal(SIGCHLD, SIG_DFL)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      _ = replaceHandler(of: number) { _ in endRequests.add(1, ordering: .relaxed) }
    }
    _ = replaceHandler(of: SIGUSR1, evenIfIgnored: true) { _ in
      saveRequests.add(1, ordering: .relaxed)
    }
    let arguments = ([path] + words).map { strdup($0) } + [nil]
    let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + settings).forEach { free($0) } }
    var (attributes, actions) = (posix_spawnattr_t(), posix_spawn_file_actions_t())
    posix_spawnattr_init(&attributes)
    posix_spawn_file_actions_init(&actions)
    defer {
      posix_spawnattr_destroy(&attributes)
      posix_spawn_file_actions_destroy(&actions)
    }
    var usual = sigset_t()
    sigemptyset(&usual)
    for number in [SIGPIPE, SIGUSR1, SIGUSR2] { sigaddset(&usual, number) }
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
    // A group in the background may not read the terminal.
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    var identifier = pid_t()
    let status = posix_spawn(&identifier, path, &actions, &attributes, arguments, settings)
    guard status == 0 else {
      throw ProcessGroupError("\(path) could not be started: \(String(cString: strerror(status)))")
    }
    self.identifier = identifier
  }

  /// Passes signals on until the program ends.
  ///
  /// - Returns: Its exit code; 128 and the signal's number if one has ended it.
  func wait() -> Int32 {
    var (status, ends, saves): (Int32, Int, Int) = (0, 0, 0)
    while waitpid(identifier, &status, WNOHANG) != identifier {
      let wanted = endRequests.load(ordering: .relaxed)
      if wanted > ends {
        kill(identifier, ends == 0 ? SIGUSR2 : SIGTERM)
        ends += 1
      }
      if saveRequests.load(ordering: .relaxed) > saves {
        kill(identifier, SIGUSR1)
        saves += 1
      }
      // Ends early when a signal comes.
      usleep(50_000)
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }
}
