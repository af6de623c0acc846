import Foundation

/// What the package found to compute on.
public enum Machine {
  /// The processor's name, as the system gives it; for arm64, of which Linux knows no names, the
  /// numbers of its maker and of its type.
  public static var processor: String {
    processor(in: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
  }

  /// The same from the text of `/proc/cpuinfo` (proc_cpuinfo(5)): lines `name : value`.
  static func processor(in text: String) -> String {
    let lines = text.split(separator: "\n")
    func value(_ name: String) -> String? {
      lines.first { $0.hasPrefix(name) }?.split(separator: ":").last
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
    if let name = value("model name") { return name }
    guard let maker = value("CPU implementer"), let type = value("CPU part") else {
      return "unknown"
    }
    return "arm64, implementer \(maker), part \(type)"
  }

  /// The bytes of memory that this process may use: the machine's, or the smallest limit of its
  /// control groups, such as a container's, if that is less.
  public static var memoryLimit: Int {
    let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    return min(physical, ControlGroups.own.memory ?? physical)
  }

  /// OpenBLAS's version and build options; "unknown" if another BLAS takes its place.
  public static var blasVersion: String { BLAS.version }

  /// The kernels that OpenBLAS chose on its own, and those in use.
  ///
  /// They differ on processors with AVX-512 that OpenBLAS is too old to know; setting
  /// `OPENBLAS_CORETYPE` in the environment keeps the package from choosing. Both are "unknown" if
  /// another BLAS takes OpenBLAS's place.
  public static var blasCore: (chosen: String, inUse: String) {
    (BLAS.coreSelection.before, BLAS.coreSelection.after)
  }

  /// The largest resident size this process has had, in bytes.
  public static var peakResidentSize: Int {
    var usage = rusage()
    #if os(Linux)
      guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024
    #else
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #endif
  }
}
