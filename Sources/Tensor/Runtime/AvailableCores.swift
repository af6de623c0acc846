import Foundation

/// The cores this process may use.
enum AvailableCores {
  /// The cores this process may run on, within its control groups' quotas; at least 1.
  static var count: Int {
    max(1, min(numbers.count, ControlGroups.own.cores ?? .max))
  }

  /// The numbers of the cores that this process may run on, whatever its quotas.
  static var numbers: Set<Int> {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let online = ProcessInfo.processInfo.activeProcessorCount
    guard let cores = runnable(status) else { return Set(0..<online) }
    // A mask may have bits of cores that are not online.
    return cores.count > online ? Set(cores.sorted().prefix(online)) : cores
  }

  /// The cores that `taskset` and cpusets allow, which Foundation ignores.
  ///
  /// - Parameter status: The text of `/proc/self/status` (proc_pid_status(5)): its line
  ///   `Cpus_allowed:` has a bit for each core, in hexadecimal numbers separated by commas.
  /// - Returns: Their numbers, at least one; nil if there is no such line.
  static func runnable(_ status: String) -> Set<Int>? {
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    let digits = line?.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue) ?? []
    // The last digit has the first four.
    let cores = digits.reversed().enumerated().flatMap { place, digit in
      (0..<4).filter { digit >> $0 & 1 == 1 }.map { 4 * place + $0 }
    }
    return cores.isEmpty ? nil : Set(cores)
  }
}
