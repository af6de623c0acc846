import Foundation
import Synchronization

/// How many threads the package's kernels use.
public enum Threads {
  private static let setting = Atomic<Int>(defaultCount)

  /// The number of threads, at least 1.
  ///
  /// The default is `OPENBLAS_NUM_THREADS` or `OMP_NUM_THREADS` if one of them is set, else the
  /// cores that this process may use by its `taskset`, its cpuset and its control groups' quotas.
  public static var count: Int {
    get { setting.load(ordering: .relaxed) }
    set {
      precondition(newValue >= 1, "Threads.count needs at least 1; got \(newValue)")
      setting.store(newValue, ordering: .relaxed)
    }
  }

  /// The cores that this process may use.
  public static var available: Int { AvailableCores.count }

  private static var defaultCount: Int {
    let environment = ProcessInfo.processInfo.environment
    for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"] {
      if let count = environment[name].flatMap({ Int($0) }), count >= 1 { return count }
    }
    return AvailableCores.count
  }
}
