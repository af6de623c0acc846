import Tensor

/// What there is to compute on, and how fast it multiplies and copies.
@Sendable func runMachine(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "machine", flags: []) else { return }
  let threads = Threads.count
  Threads.count = 1
  let speedOfOne = productSpeed()
  Threads.count = threads
  show(
    [
      "processor": Machine.processor,
      "blas": Machine.blasVersion,
      "blas_core_by_itself": Machine.blasCore.chosen,
      "blas_core": Machine.blasCore.inUse,
      "sgemm_gflops_on_one_thread": speedOfOne,
      "sgemm_gflops": productSpeed(),
      "copy_gb_per_second": copySpeed(),
    ], asJSON: arguments.has("--json"))
}

/// Of matrices of 2,048 rows and columns.
private func productSpeed() -> Double {
  var stream = RandomStream(seed: 0)
  let a = Tensor.normal([2_048, 2_048], using: &stream)
  let seconds = medianSeconds(of: 5) { _ = matmul(a, a) }
  return (2 * 2_048 * 2_048 * 2_048 / seconds / 1e9).rounded(to: 0)
}

/// Bytes read and written, of arrays of 256 MB.
private func copySpeed() -> Double {
  let a = Tensor.ones([1 << 26])
  let seconds = medianSeconds(of: 5) { _ = -a }
  return (Double(2 * a.elementCount * MemoryLayout<Float>.stride) / seconds / 1e9).rounded(to: 1)
}
