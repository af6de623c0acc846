import Foundation

/// Runs a program's body and turns its errors into a sentence and an exit code.
///
/// 64 for a command line that cannot be understood, 1 for anything else, unless `code` knows
/// better. Output that nobody reads, or that the disk has no room for, is lost and ends nothing.
package func runProgram(
  _ name: String, code: (any Error) -> Int32? = { _ in nil }, _ body: () throws -> Void
) -> Never {
  signal(SIGPIPE, SIG_IGN)
  openStandardFiles()
  do {
    try body()
    exit(0)
  } catch let error as UsageError {
    complain("\(name): \(error)\n\(name) --help lists the flags.")
    exit(64)
  } catch {
    complain("\(name): \(error)")
    exit(code(error) ?? 1)
  }
}

/// Gives standard files that the shell has closed somewhere to go: the next file that is opened
/// would take their place, and get what is printed.
private func openStandardFiles() {
  for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
  where fcntl(descriptor, F_GETFD) < 0 {
    _ = open("/dev/null", O_RDWR)
  }
}

/// Prints a line at once, also where standard output is a file or a pipe.
package func say(_ text: String) { writeText(text + "\n", to: STDOUT_FILENO) }

/// Prints a line to standard error.
package func complain(_ text: String) { writeText(text + "\n", to: STDERR_FILENO) }

/// Writes all of a text, or as much as there is room for.
package func writeText(_ text: String, to descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}
