internal import CTensorKernels

/// What a normalization makes of its input, for readers that make it of what they read anyway.
///
/// A convolution reads its images once or twice in the forward pass. Where it scales and shifts them
/// on the way, the normalized images are never written to memory, and not kept for the reverse pass.
struct DeferredNormalization: Sendable {
  let input: Tensor
  private let numbers: ChannelNumbers
  private let activation: Activation
  private let geometry: NormalizationGeometry

  /// activation(x · factor + offset), for the factors and offsets of channels.
  init(
    _ input: Tensor, _ numbers: ChannelNumbers, _ activation: Activation,
    _ geometry: NormalizationGeometry
  ) {
    (self.input, self.numbers, self.activation) = (input, numbers, activation)
    self.geometry = geometry
  }

  /// All results.
  func computed() -> Tensor {
    affine(input, numbers, residual: nil, activation: activation, geometry)
  }

  /// out = some rows of the results, on the calling thread; a row has a number for each channel.
  func write(rows: Range<Int>, into out: MutableNumbers) {
    let (source, channels) = (input.numbers, geometry.channels)
    for sample in rows.lowerBound / geometry.rows...(rows.upperBound - 1) / geometry.rows {
      let part = rows.clamped(to: sample * geometry.rows..<(sample + 1) * geometry.rows)
      ctk_apply_affine(
        (source + part.lowerBound * channels).layout, nil, numbers.affine(sample: sample),
        activation == .relu, false, part.count, channels,
        (out + (part.lowerBound - rows.lowerBound) * channels).address)
    }
    extendLifetime((input.storage, numbers))
  }

  /// The same for Winograd's transforms of images of this many rows; valid while this lives.
  func layout(imageRows: Int) -> CTKWinogradNormalization {
    CTKWinogradNormalization(
      affine: numbers.affine(), imagesPerSample: geometry.rows / imageRows,
      isRectified: activation == .relu)
  }
}
