import Foundation

/// What a process of several says of the cores that it may run on, so that those of one machine share
/// them.
struct SharedCores: Hashable {
  /// The machine's name; a container has one of its own.
  let machine: String
  /// The numbers of the cores that `taskset`, cpusets and the launcher's binding allow.
  let cores: Set<Int>
  /// What control groups allow of them; nil if they set no quota.
  let quota: Int?

  /// Those of this process.
  static var own: SharedCores {
    SharedCores(
      machine: hostName, cores: AvailableCores.numbers, quota: ControlGroups.own.cores)
  }

  /// The machine's own name; Foundation's may be one that a name server has, or that of all machines.
  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The threads that process `rank` of those takes, at least 1: its part of the cores that it has in
  /// common with others, and of the quota of all processes of its machine.
  static func threads(of rank: Int, among processes: [SharedCores]) -> Int {
    let own = processes[rank]
    let neighbors = processes.filter { $0.machine == own.machine }
    let rivals = neighbors.count { !$0.cores.isDisjoint(with: own.cores) }
    let share = own.cores.count / max(1, rivals)
    return max(1, min(share, own.quota.map { $0 / neighbors.count } ?? share))
  }
}

extension SharedCores {
  /// As text for the other processes.
  var text: String {
    "\(quota ?? 0) \(cores.sorted().map(String.init).joined(separator: ",")) \(machine)"
  }

  /// What ``text`` says.
  init(text: String) {
    let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    let quota = words.first.flatMap { Int($0) } ?? 0
    self.init(
      machine: words.count == 3 ? String(words[2]) : "",
      cores: Set(words.count == 3 ? words[1].split(separator: ",").compactMap { Int($0) } : []),
      quota: quota > 0 ? quota : nil)
  }
}
