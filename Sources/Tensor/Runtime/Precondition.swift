// Swift's functions of these names leave out their sentences in release builds, in which this package is used:
// who calls it wrongly should read there too what was needed and what came.

/// Stops with a sentence if a caller has not kept to what was agreed.
@inlinable @inline(__always)
package func precondition(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String = "",
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fatalError(message(), file: file, line: line) }
}

/// Stops with a sentence.
package func preconditionFailure(
  _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  fatalError(message(), file: file, line: line)
}
