import CMemoryWatch
import Foundation
import Tensor

// What libFuzzer's main function calls (llvm.org/docs/LibFuzzer.html).

/// The target that the environment names; with FUZZ_SEEDS, its first inputs are written there
/// instead.
private let target: any Target = {
  let environment = ProcessInfo.processInfo.environment
  let name = environment["FUZZ_TARGET"] ?? ""
  guard let target = targets[name] else {
    fatalError("FUZZ_TARGET needs one of \(targets.keys.sorted()); got \"\(name)\"")
  }
  if let folder = environment["FUZZ_SEEDS"] {
    do {
      for (index, seed) in try target.seeds().enumerated() {
        try seed.write(to: URL(fileURLWithPath: "\(folder)/seed-\(index)"))
      }
      exit(0)
    } catch {
      fatalError("the seeds of \(name) cannot be written: \(error)")
    }
  }
  return target
}()

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutableRawPointer?, _ words: UnsafeMutableRawPointer?
) -> CInt {
  // Threads that other inputs started would be counted with this one's memory.
  Threads.count = 1
  memory_watch_install()
  // What a library makes at its first use is no input's memory.
  for seed in (try? target.seeds()) ?? [] { target.read(seed) }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Data(UnsafeBufferPointer(start: bytes, count: count))
  memory_watch_reset()
  target.read(input)
  let (peak, most) = (memory_watch_peak(), 64 << 20 + 10 * count)
  Memory.releaseUnused()
  guard peak <= most else {
    fatalError("an input of \(count) bytes took \(peak) bytes of memory; at most \(most) may be")
  }
  return 0
}
