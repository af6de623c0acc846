import Tensor

/// The speed of small products, of which a second-level cache holds those of each thread. With
/// `TENSOR_MAX_ISA=baseline` they are OpenBLAS's.
@Sendable func runProducts(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "products", flags: []) else { return }
  for (rows, columns, terms) in [
    (256, 16, 16), (128, 32, 32), (256, 64, 64), (256, 64, 256), (16, 512, 512), (256, 512, 512),
    (256, 1_024, 256),
  ] {
    show(
      [
        "rows": rows, "columns": columns, "terms": terms,
        "gflops": productSpeed(rows: rows, columns: columns, terms: terms).rounded(to: 0),
        "blas_core": Machine.blasCore.inUse,
      ], asJSON: arguments.has("--json"))
  }
}

/// Billions of operations a second.
private func productSpeed(rows: Int, columns: Int, terms: Int) -> Double {
  var stream = RandomStream(seed: 0)
  let numbers = rows * terms + terms * columns + rows * columns
  let count = Threads.count * max(1, (1 << 17) / numbers)
  let a = Tensor.normal([count, rows, terms], using: &stream)
  let b = Tensor.normal([count, terms, columns], using: &stream)
  let operations = Double(2 * count * rows * columns * terms)
  let repeats = max(1, Int(1e8 / operations))
  let seconds = medianSeconds(of: 15) {
    for _ in 0..<repeats { _ = matmul(a, b) }
  }
  return operations * Double(repeats) / seconds / 1e9
}
