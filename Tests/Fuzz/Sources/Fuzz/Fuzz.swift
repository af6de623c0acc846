import CMemoryWatch
import Foundation
import Tensor

/// Gives the target that FUZZ_TARGET names broken inputs; with FUZZ_SEEDS, its first inputs are
/// written there instead.
@main
struct Fuzz {
  private static let target: any Target = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let target = targets[name] else {
      fatalError("FUZZ_TARGET needs one of \(targets.keys.sorted()); got \"\(name)\"")
    }
    return target
  }()

  static func main() throws {
    // Threads that other inputs started would be counted with this one's memory.
    Threads.count = 1
    let seeds = try target.seeds()
    if let folder = ProcessInfo.processInfo.environment["FUZZ_SEEDS"] {
      for (index, seed) in seeds.enumerated() {
        try seed.write(to: URL(fileURLWithPath: "\(folder)/seed-\(index)"))
      }
      return
    }
    memory_watch_install()
    // What a library makes at its first use is no input's memory.
    for seed in seeds { target.read(seed) }
    var (count, words) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
    withUnsafeMutablePointer(to: &words) { words in
      words.withMemoryRebound(
        to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1
      ) {
        exit(
          LLVMFuzzerRunDriver(&count, $0) { Fuzz.check(UnsafeBufferPointer(start: $0, count: $1)) })
      }
    }
  }

  /// Reads an input and looks at the memory that it took.
  private static func check(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
    let input = Data(bytes)
    memory_watch_reset()
    target.read(input)
    let (peak, most) = (memory_watch_peak(), 64 << 20 + 10 * bytes.count)
    Memory.releaseUnused()
    guard peak <= most else {
      fatalError(
        "an input of \(bytes.count) bytes took \(peak) bytes of memory; at most \(most) may be")
    }
    return 0
  }
}
