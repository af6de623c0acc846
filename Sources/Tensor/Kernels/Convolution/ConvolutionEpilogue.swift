internal import CTensorKernels

/// What a convolution does to its results before they leave the cache: activation(y · factor +
/// offset + residual).
struct ConvolutionEpilogue: Sendable {
  private let numbers: ChannelNumbers
  private let residual: Tensor?
  private let activation: Activation

  /// An epilogue of one factor and one offset for each channel; the residual has the results' shape.
  init(_ numbers: ChannelNumbers, residual: Tensor?, _ activation: Activation) {
    (self.numbers, self.residual, self.activation) = (numbers, residual, activation)
    // Each thread that asked first would write for itself what is not written yet.
    _ = residual?.pointer
  }

  /// For kernels in C that begin with result `place`; valid while this lives.
  func beginning(at place: Int) -> CTKEpilogue {
    let affine = numbers.affine()
    return CTKEpilogue(
      factor: affine.factor, offset: affine.offset, residual: residual.map { $0.pointer + place },
      isRectified: activation == .relu)
  }

  /// Rewrites some rows of the results, whose first is `rows` of result[rows, channels].
  func finish(
    _ results: UnsafeMutablePointer<Float>, rows: Range<Int>, channels: Int
  ) {
    let start = rows.lowerBound * channels
    ctk_apply_affine(
      Numbers(results + start).layout, residual.map { $0.pointer + start }, numbers.affine(),
      activation == .relu, false, rows.count, channels, results + start)
    extendLifetime(self)
  }
}
