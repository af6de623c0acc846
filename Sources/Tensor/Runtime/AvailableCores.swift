import Foundation

/// The cores this process may use.
enum AvailableCores {
  /// The cores this process may run on, within its control groups' quotas; at least 1.
  static var count: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let limits = [runnable(status), ControlGroups.own.cores]
    return max(1, limits.reduce(ProcessInfo.processInfo.activeProcessorCount) { min($0, $1 ?? $0) })
  }

  /// The cores that `taskset` and cpusets allow, which Foundation ignores.
  ///
  /// - Parameter status: The text of `/proc/self/status` (proc_pid_status(5)): its line
  ///   `Cpus_allowed:` has a bit for each core, in hexadecimal numbers separated by commas.
  /// - Returns: At least 1, or nil if there is no such line.
  static func runnable(_ status: String) -> Int? {
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    let bits = line?.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue)
      .reduce(0) { $0 + $1.nonzeroBitCount }
    return bits.flatMap { $0 > 0 ? $0 : nil }
  }
}
