internal import CTensorKernels

/// How the operations of this task compute.
///
/// An operation reads the options once, on the thread that calls it; its pullback keeps what it
/// needs of them, and kernels on other threads never look.
struct ComputeOptions: Sendable {
  @TaskLocal static var current = ComputeOptions()

  /// Whether operations on tracked tensors are recorded.
  var isRecording = true
  /// What products may round their factors to.
  var precision = MatmulPrecision.float32
  /// How convolutions are computed.
  var convolution = ConvolutionAlgorithm.automatic
  /// Inside `withExactProducts`, the precision of modules that are called there.
  var modulePrecision: MatmulPrecision?
  /// Where operations are noted, if they are.
  var trace: OperationTrace?

  /// The precision of one product[m, n] of `k` terms: small factors take longer to round than to
  /// multiply.
  func precision(m: Int, n: Int, k: Int) -> MatmulPrecision {
    precision == .bfloat16 && min(m, n, k) >= 16 && MatmulPrecision.hasBFloat16
      ? .bfloat16 : .float32
  }

  /// Runs `body` with all operations noted and nothing recorded or rounded.
  static func tracing<Result>(
    with trace: OperationTrace, _ body: () throws -> Result
  ) rethrows -> Result {
    try with(
      {
        $0 = ComputeOptions()
        $0.isRecording = false
        $0.trace = trace
      }, body)
  }

  fileprivate static func with<Result>(
    _ change: (inout ComputeOptions) -> Void, _ body: () throws -> Result
  ) rethrows -> Result {
    var options = current
    change(&options)
    return try $current.withValue(options, operation: body)
  }
}

/// The precision of the factors of matrix products, and of what convolutions make.
///
/// Sums, statistics, losses and parameters have 32 bits either way, and tensors read as floats.
public enum MatmulPrecision: String, CaseIterable, Sendable {
  /// Nothing is rounded.
  case float32
  /// Factors may be rounded to 8 of their 24 significant bits, a relative error of at most 1/256;
  /// magnitudes below 1e-38 become zero. Results of convolutions are rounded so, and carried in 16
  /// bits, and so are those that normalizations and max-pools make of them, and their gradients.
  ///
  /// Twice as fast on processors with AVX-512's bfloat16 instructions, and half the memory. Other
  /// processors round nothing, nor do products with a side below 16; Winograd convolutions of fewer
  /// than 64 channels round what they make alone. Those of more round between
  /// their transforms too: their results and gradients are wrong by at most 0.8 % in the root mean
  /// square, those of direct convolutions by 0.26 %.
  case bfloat16

  /// Whether this processor has bfloat16 instructions that the package uses.
  public static var hasBFloat16: Bool { ctk_has_bfloat16() }
}

/// How convolutions are computed.
public enum ConvolutionAlgorithm: String, CaseIterable, Sendable {
  /// The fastest way for each geometry.
  case automatic
  /// Products of patch matrices, for any geometry.
  case direct
}

/// Runs `body` without recording, so that its results keep nothing alive and have no gradient.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  try ComputeOptions.with({ $0.isRecording = false }, body)
}

/// Runs `body` with matrix products, and the gradients of those recorded in it, of one precision.
///
/// The scoped form of PyTorch's autocast. Results of linear layers keep 32 bits, unlike there.
public func withMatmulPrecision<Result>(
  _ precision: MatmulPrecision, _ body: () throws -> Result
) rethrows -> Result {
  try ComputeOptions.with(
    {
      $0.precision = precision
      $0.modulePrecision = nil
    }, body)
}

/// Runs `body` with convolutions, and the gradients of those recorded in it, computed in one way.
public func withConvolutionAlgorithm<Result>(
  _ algorithm: ConvolutionAlgorithm, _ body: () throws -> Result
) rethrows -> Result {
  try ComputeOptions.with({ $0.convolution = algorithm }, body)
}

/// Runs `body`, such as a loss, with products of float32, except inside of modules that it calls.
///
/// One `withExactProducts` directly inside another changes nothing.
package func withExactProducts<Result>(_ body: () throws -> Result) rethrows -> Result {
  try ComputeOptions.with(
    {
      $0.modulePrecision = $0.modulePrecision ?? $0.precision
      $0.precision = .float32
    }, body)
}

/// Runs `body`, a module's forward, with the precision in force outside of `withExactProducts`.
package func withModulePrecision<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard let precision = ComputeOptions.current.modulePrecision else { return try body() }
  return try withMatmulPrecision(precision, body)
}
