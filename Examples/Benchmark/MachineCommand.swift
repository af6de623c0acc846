import Arguments
import Foundation
import Tensor

@Sendable func runMachine(_ words: [String]) throws {
  let flags = [
    Flag("--threads", "N", "threads to use; all cores if not given"),
    Flag("--help", "this text"),
  ]
  let arguments = try Arguments(words, flags: flags)
  if arguments.has("--help") {
    print("usage: benchmark machine [flags]\n\n\(flags.help)")
    return
  }
  if let threads = try arguments.optionalInteger("--threads", in: 1...1_024) {
    Threads.count = threads
  }
  let threads = Threads.count
  print("processor      \(Machine.processor)")
  print("BLAS           \(Machine.blasVersion)")
  print("BLAS core      \(Machine.blasCore.chosen) by itself, \(Machine.blasCore.inUse) in use")
  print("threads        \(threads)")
  for count in Set([1, threads]).sorted() {
    Threads.count = count
    print("sgemm          \(rounded(productSpeed())) GFLOP/s on \(count) thread(s), 2048³")
  }
  print("bandwidth      \(rounded(copySpeed())) GB/s, read and written, arrays of 256 MB")
}

private func productSpeed() -> Double {
  var stream = RandomStream(seed: 0)
  let a = Tensor.normal([2_048, 2_048], using: &stream)
  let seconds = medianSeconds(of: 5) { _ = matmul(a, a) }
  return 2 * 2_048 * 2_048 * 2_048 / seconds / 1e9
}

private func copySpeed() -> Double {
  let a = Tensor.ones([1 << 26])
  let seconds = medianSeconds(of: 5) { _ = -a }
  return Double(2 * a.elementCount * MemoryLayout<Float>.stride) / seconds / 1e9
}

private func rounded(_ value: Double) -> String { String(format: "%.0f", value) }
