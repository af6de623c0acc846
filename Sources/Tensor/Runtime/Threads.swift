import Foundation
import Synchronization

/// How many threads the package's kernels use.
public enum Threads {
  private static let setting = Atomic<Int>(defaultCount)

  /// The number of threads, at least 1.
  ///
  /// The default is `OPENBLAS_NUM_THREADS` or `OMP_NUM_THREADS` if one of them holds a number above
  /// zero, else the cores that this process may use by its `taskset`, its cpuset and its control
  /// groups' quotas. Of a list such as `4,2`, OpenMP's form for nested regions, the first number
  /// counts. More than 1,024 are 1,024.
  public static var count: Int {
    get { setting.load(ordering: .relaxed) }
    set {
      precondition(newValue >= 1, "Threads.count needs at least 1; got \(newValue)")
      setting.store(min(newValue, most), ordering: .relaxed)
    }
  }

  /// The cores that this process may use.
  public static var available: Int { AvailableCores.count }

  private static var defaultCount: Int {
    count(in: ProcessInfo.processInfo.environment) ?? AvailableCores.count
  }

  /// The threads that an environment asks for, in 1...1,024; nil if it asks for none.
  static func count(in environment: [String: String]) -> Int? {
    let numbers = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"].compactMap { name -> Int? in
      let first = environment[name]?.split(separator: ",", omittingEmptySubsequences: false).first
      let digits = first?.trimmingCharacters(in: .whitespaces) ?? ""
      // Digits that no integer holds are many threads too.
      guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
      return min(Int(digits) ?? most, most)
    }
    return numbers.first { $0 >= 1 }
  }

  private static let most = 1_024
}
