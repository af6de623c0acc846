import Foundation

/// Makes OpenBLAS use its AVX-512 kernels on processors it is too old to know.
///
/// An OpenBLAS that does not recognise a processor falls back to kernels of an older one, at half
/// the speed. Naming the core in the environment and restarting its dispatcher in this process
/// selects the right ones. Debian's 0.3.21 chooses well by itself on Zen 5 (Cooperlake). A user's
/// own `OPENBLAS_CORETYPE` is never overridden.
struct CoreSelection: Sendable {
  /// The kernels OpenBLAS chose on its own.
  let before: String
  /// The kernels in use.
  let after: String

  /// Whether these kernels, those for AVX-512, multiply small matrices without packing them.
  var leavesSmallProductsInPlace: Bool {
    ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(after)
  }

  private static let variable = "OPENBLAS_CORETYPE"

  static func selectBest(reading coreName: () -> String) -> CoreSelection {
    let before = coreName()
    let unchanged = CoreSelection(before: before, after: before)
    guard
      getenv(variable) == nil, ["Haswell", "Zen", "Excavator", "Sandybridge"].contains(before),
      processorHasAVX512, let dispatcher = OpenBLAS.restart
    else { return unchanged }
    func restart() {
      dispatcher.quit()
      dispatcher.start()
    }
    setenv(variable, "SkylakeX", 1)
    restart()
    // Child processes choose for themselves.
    unsetenv(variable)
    if productIsRight() { return CoreSelection(before: before, after: coreName()) }
    restart()
    return unchanged
  }

  /// Whether the processor has the four AVX-512 sets that the SkylakeX kernels use.
  private static var processorHasAVX512: Bool {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return false }
    let flags = Set(line.split(separator: " "))
    return ["avx512f", "avx512bw", "avx512dq", "avx512vl"].allSatisfy { flags.contains($0) }
  }

  /// Compares one small product with a plain loop.
  private static func productIsRight() -> Bool {
    let size = 37
    let a = Tensor((0..<size * size).map { Float($0 * 7 % 23) - 11 }, shape: [size, size])
    let b = Tensor((0..<size * size).map { Float($0 * 5 % 19) - 9 }, shape: [size, size])
    let c = Tensor([size, size]) {
      BLAS.sgemm(MatrixView(a), MatrixView(b), into: MatrixDestination($0, stride: size))
    }
    let (x, y, product) = (a.scalars, b.scalars, c.scalars)
    return (0..<size * size).allSatisfy { index in
      let (row, column) = (index / size, index % size)
      var expected: Float = 0
      for term in 0..<size { expected += x[row * size + term] * y[term * size + column] }
      return (product[index] - expected).magnitude <= 1e-3
    }
  }
}
