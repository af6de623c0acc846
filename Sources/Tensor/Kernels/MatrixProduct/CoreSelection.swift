import Foundation

/// Makes OpenBLAS use its AVX-512 kernels on processors it is too old to know.
///
/// An OpenBLAS that does not recognise a processor falls back to kernels of an older one, at half the
/// speed. Naming the core in the environment and starting its dispatcher again in this process selects
/// the right ones. Debian's 0.3.21 chooses well by itself on Zen 5 (Cooperlake); a user's own
/// `OPENBLAS_CORETYPE` is never overridden.
struct CoreSelection: Sendable {
  /// The kernels OpenBLAS chose on its own.
  let before: String
  /// The kernels in use.
  let after: String

  /// Whether these kernels multiply small matrices as they lie in memory, as OpenBLAS's for AVX-512 do.
  var leavesSmallProductsInPlace: Bool {
    ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(after)
  }

  private typealias Dispatcher = @convention(c) () -> Void
  private static let variable = "OPENBLAS_CORETYPE"

  static func selectBest(reading coreName: () -> String) -> CoreSelection {
    let before = coreName()
    let unchanged = CoreSelection(before: before, after: before)
    guard
      getenv(variable) == nil, ["Haswell", "Zen", "Excavator", "Sandybridge"].contains(before),
      processorHasAVX512, let restart = dispatcherRestart()
    else { return unchanged }
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

  /// Looked up rather than linked: an OpenBLAS built for one core has no dispatcher.
  private static func dispatcherRestart() -> (() -> Void)? {
    guard let program = dlopen(nil, RTLD_NOW),
      let quit = dlsym(program, "gotoblas_dynamic_quit"),
      let start = dlsym(program, "gotoblas_dynamic_init")
    else { return nil }
    // The symbols are C functions without arguments in every OpenBLAS that has them.
    let functions = [quit, start].map { unsafeBitCast($0, to: Dispatcher.self) }
    return { for function in functions { function() } }
  }

  /// Compares one small product with a plain loop.
  private static func productIsRight() -> Bool {
    let size = 37
    let a = (0..<size * size).map { Float($0 * 7 % 23) - 11 }
    let b = (0..<size * size).map { Float($0 * 5 % 19) - 9 }
    var c = [Float](repeating: .nan, count: size * size)
    BLAS.unselectedGemm(size: size, a, b, into: &c)
    return (0..<size * size).allSatisfy { index in
      let (row, column) = (index / size, index % size)
      let expected = (0..<size).reduce(Float(0)) { $0 + a[row * size + $1] * b[$1 * size + column] }
      return (c[index] - expected).magnitude <= 1e-3
    }
  }
}
