import Dispatch
import Foundation
import Tensor

/// The seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = DispatchTime.now().uptimeNanoseconds
  try body()
  return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
}

/// The median time of `count` runs of `body`, after one that is not counted.
func medianSeconds(of count: Int, _ body: () throws -> Void) rethrows -> Double {
  try body()
  return try (0..<count).map { _ in try seconds(body) }.median
}

/// Frees what the last measurement left and forgets its largest resident size, so that the next one
/// reports its own.
func startAfresh() {
  Memory.releaseUnused()
  // Linux counts anew after a 5 (proc_pid_clear_refs(5)); elsewhere the largest so far stays.
  try? FileHandle(forWritingAtPath: "/proc/self/clear_refs")?.write(contentsOf: Data("5".utf8))
}

extension [Double] {
  /// The middle one; the mean of the middle two of an even number.
  var median: Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
