import Arguments
import Foundation
import Tensor

/// The flags of one command, of which `--threads` has been obeyed; nil where help was asked for,
/// which has then been given.
func arguments(_ words: [String], of command: String, flags: [Flag]) throws -> Arguments? {
  let flags =
    flags + [
      Flag("--threads", "N", "threads to use; all cores if not given"),
      Flag("--json", "JSON lines instead of text"),
      Flag("--help", "this text"),
    ]
  let arguments = try Arguments(words, flags: flags)
  if arguments.has("--help") {
    print("usage: benchmark \(command) [flags]\n\n\(flags.help)")
    return nil
  }
  if let threads = try arguments.optionalInteger("--threads", in: 1...1_024) {
    Threads.count = threads
  }
  return arguments
}

/// How exactly products multiply.
let precisionFlag = Flag(
  "--precision", "NAME",
  "float32, or bfloat16, to which products and convolutions round where the processor multiplies it",
  standard: MatmulPrecision.float32.rawValue)

/// Prints what was measured, and with it the largest resident size and the number of threads.
func show(_ findings: KeyValuePairs<String, any CustomStringConvertible>, asJSON: Bool) {
  var all = Array(findings)
  all.append(("peak_rss_mb", Machine.peakResidentSize / 1_000_000))
  all.append(("threads", Threads.count))
  say(asJSON ? json(all) : text(all))
}

private func json(_ findings: [(key: String, value: any CustomStringConvertible)]) -> String {
  let fields = findings.map { key, value in
    "\"\(key)\":" + (value is String ? "\"\(value)\"" : "\(value)")
  }
  return "{" + fields.joined(separator: ",") + "}"
}

private func text(_ findings: [(key: String, value: any CustomStringConvertible)]) -> String {
  findings.map { "\($0.key.replacing("_", with: " ")) \($0.value)" }.joined(separator: ", ")
}

extension Double {
  /// This number with so many digits after the point.
  func rounded(to digits: Int) -> Double {
    let scale = pow(10, Double(digits))
    return (self * scale).rounded() / scale
  }
}
