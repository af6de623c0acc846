import Foundation

/// The limits that control groups (cgroups(7)), and so containers, put on this process.
struct ControlGroups {
  /// Lines such as `0::/a/b` (version 2) and `1:cpu,cpuacct:/a/b` (version 1).
  private let lines: [Substring]
  /// Where the control groups are mounted.
  private let root: String

  /// - Parameters:
  ///   - groups: The text of `/proc/self/cgroup`.
  ///   - root: Where the control groups are mounted.
  init(_ groups: String, root: String) {
    lines = groups.split(separator: "\n")
    self.root = root
  }

  /// Those of this process.
  static var own: ControlGroups {
    ControlGroups(
      (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? "",
      root: "/sys/fs/cgroup")
  }

  /// The smallest quota of the groups and of those they are in, in cores rounded up; at least 1, or
  /// nil if there is no quota.
  var cores: Int? {
    let quotas = folders(of: "cpu").compactMap { folder -> Double? in
      let both = words(folder, "cpu.max")
      let fields =
        both.count == 2
        ? both : words(folder, "cpu.cfs_quota_us") + words(folder, "cpu.cfs_period_us")
      guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]),
        quota > 0, period > 0
      else { return nil }
      return quota / period
    }
    return quotas.min().map { max(1, Int($0.rounded(.up))) }
  }

  /// The smallest memory limit of the groups and of those they are in, in bytes; nil if there is
  /// none.
  var memory: Int? {
    folders(of: "memory").flatMap { folder in
      // `max` is no number; version 1 says it by a number beyond all memory.
      ["memory.max", "memory.limit_in_bytes"].compactMap { name in
        words(folder, name).first.flatMap { Int($0) }
      }
    }.filter { $0 > 0 }.min()
  }

  /// Where the limits of a controller may be, of this process's group and of those it is in.
  private func folders(of controller: String) -> [String] {
    lines.flatMap { line -> [String] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isSecondVersion = fields[1].isEmpty
      guard isSecondVersion || fields[1].split(separator: ",").contains(controller[...])
      else { return [] }
      // Version 2 is mounted at `unified` beside version 1; version 1 by one or all controllers.
      let mounts = isSecondVersion ? ["", "/unified"] : ["/\(controller)", "/\(fields[1])"]
      return Set(mounts).sorted().flatMap { upward(from: root + $0, along: fields[2]) }
    }
  }

  /// `root/a/b`, `root/a` and `root`, for the path `/a/b`: a container may not see its own path,
  /// only what is mounted as the root.
  private func upward(from root: String, along path: Substring) -> [String] {
    var names = path.split(separator: "/")
    var folders = [root]
    while !names.isEmpty {
      folders.append(root + "/" + names.joined(separator: "/"))
      names.removeLast()
    }
    return folders
  }

  private func words(_ folder: String, _ name: String) -> [Substring] {
    let text = try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    return (text ?? "").split(whereSeparator: \.isWhitespace)
  }
}
