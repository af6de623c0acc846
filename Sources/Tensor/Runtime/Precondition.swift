// Swift's functions of these names drop their messages in release builds, which is how this package
// is used. Callers should read there too what was needed and what came.

/// Stops with a message unless the condition holds.
@inlinable @inline(__always)
package func precondition(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String = "",
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { preconditionFailure(message(), file: file, line: line) }
}

/// Stops with a message, and with what the caller is about.
@usableFromInline
package func preconditionFailure(
  _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  fatalError(message() + (FailureNote.current.map { "; \($0)" } ?? ""), file: file, line: line)
}

/// What messages of failed preconditions end with.
package enum FailureNote {
  @TaskLocal fileprivate static var current: String?

  /// Runs `body`; a precondition that fails on this thread says `note` too.
  package static func with<Result>(_ note: String, _ body: () throws -> Result) rethrows -> Result {
    try $current.withValue(note, operation: body)
  }
}
