import Foundation

/// The cores this process may use.
enum AvailableCores {
  /// The cores this process may run on, within its control groups' quotas; at least 1.
  static var count: Int {
    func text(_ path: String) -> String {
      (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
    let limits = [
      runnable(text("/proc/self/status")),
      controlGroupLimit(text("/proc/self/cgroup"), root: "/sys/fs/cgroup"),
    ]
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

  /// The smallest quota of the control groups and of those they are in, in cores rounded up.
  ///
  /// - Parameters:
  ///   - groups: Lines such as `0::/a/b` (version 2) and `1:cpu,cpuacct:/a/b` (version 1), as in
  ///     `/proc/self/cgroup` (cgroups(7)).
  ///   - root: Where the control groups are mounted.
  /// - Returns: At least 1, or nil if there is no quota.
  static func controlGroupLimit(_ groups: String, root: String) -> Int? {
    let quotas = groups.split(separator: "\n").flatMap { line -> [Double] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let controllers = fields[1].split(separator: ",")
      guard controllers.isEmpty || controllers.contains("cpu") else { return [] }
      // A container may not see its own path, only what is mounted as the root.
      return upward(from: root + (controllers.isEmpty ? "" : "/cpu"), along: fields[2])
        .compactMap(quota)
    }
    return quotas.min().map { max(1, Int($0.rounded(.up))) }
  }

  /// `root/a/b`, `root/a` and `root`, for the path `/a/b`.
  private static func upward(from root: String, along path: Substring) -> [String] {
    var names = path.split(separator: "/")
    var folders = [root]
    while !names.isEmpty {
      folders.append(root + "/" + names.joined(separator: "/"))
      names.removeLast()
    }
    return folders
  }

  /// The quota of one group, in cores: `cpu.max` in version 2, two files in version 1.
  private static func quota(of folder: String) -> Double? {
    func numbers(_ name: String) -> [Double?] {
      let text = try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)
      return (text ?? "").split(whereSeparator: \.isWhitespace).map { Double($0) }
    }
    let both = numbers("cpu.max")
    let fields = both.count == 2 ? both : numbers("cpu.cfs_quota_us") + numbers("cpu.cfs_period_us")
    guard fields.count == 2, let quota = fields[0], let period = fields[1], quota > 0, period > 0
    else { return nil }
    return quota / period
  }
}
