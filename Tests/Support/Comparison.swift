import Foundation
import Tensor

/// ‖a - b‖ / ‖b‖, in double precision.
public func relativeError(_ a: [Float], _ b: [Float]) -> Double {
  precondition(a.count == b.count, "relativeError needs equal counts; got \(a.count), \(b.count)")
  let difference = zip(a, b).map { Double($0) - Double($1) }
  return norm(difference) / max(norm(b.map(Double.init)), .leastNormalMagnitude)
}

/// max |a - b| / max |b|.
public func largestError(_ a: [Float], _ b: [Float]) -> Float {
  precondition(a.count == b.count, "largestError needs equal counts; got \(a.count), \(b.count)")
  let difference = zip(a, b).map { abs($0 - $1) }.max() ?? 0
  return difference / max(b.map { abs($0) }.max() ?? 0, .leastNormalMagnitude)
}

/// The root mean square difference of two digests' sums, by the norm: an estimate of
/// ``relativeError(_:_:)`` of the arrays they were made of.
public func digestError(_ a: [Double], _ b: [Double]) -> Double {
  let differences = zip(a, b).map { $0 - $1 }
  let estimate = norm(Array(differences.dropFirst())) / Double(differences.count - 1).squareRoot()
  return max(abs(differences[0]), estimate) / max(b[0], .leastNormalMagnitude)
}

private func norm(_ values: [Double]) -> Double {
  values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

/// The path of a file in the folder `Fixtures` beside the test's source file.
public func fixture(_ name: String, _ source: String = #filePath) -> String {
  var folder = URL(fileURLWithPath: source).deletingLastPathComponent()
  while folder.path != "/" {
    let path = folder.appendingPathComponent("Fixtures/\(name)").path
    if FileManager.default.fileExists(atPath: path) { return path }
    folder = folder.deletingLastPathComponent()
  }
  return name
}
