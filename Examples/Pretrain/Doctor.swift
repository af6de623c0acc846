import Arguments
import Files
import Foundation
import Images
import SelfSupervised
import Training

/// What a machine has for this program, in lines that a person reads.
struct Doctor {
  /// Prints a line for each thing; what is missing says how to get it.
  func print() {
    say(row("processor", "\(Machine.processor), \(Threads.available) cores may be used"))
    say(row("products", products))
    say(row("memory", memory))
    for library in PictureLibrary.allCases {
      say(row(library.rawValue, library.missing.map { "missing: \($0)" } ?? "found"))
    }
    say(row("zlib", zlibIsMissing.map { "missing: \($0)" } ?? "found"))
    #if DEBUG
      say(row("build", "debug: 20 to 40 times slower; swift run -c release pretrain"))
    #else
      say(row("build", "release"))
    #endif
  }

  private func row(_ name: String, _ text: String) -> String {
    name.padding(toLength: 15, withPad: " ", startingAt: 0) + text
  }

  /// OpenBLAS's kernels, and how fast they are.
  private var products: String {
    let core = Machine.blasCore
    let choice =
      core.chosen == core.inUse ? "" : " (OpenBLAS by itself takes those for \(core.chosen))"
    return
      "\(Machine.blasVersion.split(separator: " ").prefix(2).joined(separator: " ")), kernels for "
      + "\(core.inUse)\(choice), "
      + String(format: "%.0f GFLOP/s on %d threads", Self.speed(), Threads.count)
  }

  /// Of matrices of 1,024 rows and columns, the fastest of ten.
  private static func speed() -> Double {
    var stream = RandomStream(seed: 0)
    let matrix = Tensor.normal([1_024, 1_024], using: &stream)
    let seconds = (0..<10).map { _ in
      let start = ContinuousClock.now
      _ = matmul(matrix, matrix)
      return (ContinuousClock.now - start) / .seconds(1)
    }
    return 2 * 1_024 * 1_024 * 1_024 / (seconds.min() ?? 1) / 1e9
  }

  private var memory: String {
    let all = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let limit = Machine.memoryLimit
    return "\(all / 1_000_000) MB"
      + (limit < all ? ", of which a limit such as a container's leaves \(limit / 1_000_000)" : "")
  }

  private var zlibIsMissing: String? {
    do {
      _ = try DynamicLibrary("libz.so.1", package: "zlib1g")
      return nil
    } catch {
      return "\(error)"
    }
  }
}
