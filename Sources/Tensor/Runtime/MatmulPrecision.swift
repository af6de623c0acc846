internal import CTensorKernels

/// What products of matrices, and convolutions that are made of them, may round their factors to. Tensors and
/// sums are floats of 32 bits either way, and so are the products of this package's losses and measures.
public enum ProductPrecision: String, CaseIterable, Sendable {
  /// Nothing is rounded.
  case float32
  /// Factors may lose all but 8 of their 24 bits, a relative error of 1/256 at most; one below 1e-38 counts as
  /// zero. Twice as fast on processors with AVX-512's instruction for it; on all others, for products with a
  /// side below 16 and in Winograd's convolutions nothing is rounded.
  case bfloat16

  @TaskLocal static var allowed = ProductPrecision.float32

  /// Whether this processor multiplies numbers of bfloat16.
  public static var hasBFloat16: Bool { tensorMultipliesBFloat16() }

  /// The precision of one product[m, n] with `k` terms: a small one would take as long to round.
  static func ofProduct(m: Int, n: Int, k: Int) -> ProductPrecision {
    allowed == .bfloat16 && min(m, n, k) >= 16 && hasBFloat16 ? .bfloat16 : .float32
  }
}

/// Runs `body` with products, and the gradients of those recorded in it, as exact as `precision` says.
///
/// As PyTorch's `set_float32_matmul_precision("medium")`, but for a scope; its autocast stores results of 16
/// bits besides.
public func withProductPrecision<Result>(
  _ precision: ProductPrecision, _ body: () throws -> Result
) rethrows -> Result {
  try ProductPrecision.$allowed.withValue(precision, operation: body)
}
