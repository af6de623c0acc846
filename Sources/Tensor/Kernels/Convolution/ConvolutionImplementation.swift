/// A convolution and its gradients, by one algorithm.
protocol ConvolutionImplementation: Sendable {
  /// The results in a format, after the epilogue if there is one: that is for floats.
  func forward(
    _ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?, in format: NumberFormat
  ) -> Tensor

  /// The gradients that are wanted, that of the images in their format or in floats. May add it to
  /// `sum` in place, which is then the gradient; sets `sum` to nil.
  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?)

  /// The gradient of the images alone, in floats.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor
}

extension ConvolutionImplementation {
  func forward(_ images: Tensor, _ weight: Tensor) -> Tensor {
    forward(images, weight, nil, in: .float32)
  }

  /// The gradient of the weight alone.
  func weightGradient(_ images: Tensor, _ weight: Tensor, _ gradient: Tensor) -> Tensor? {
    var sum: Tensor?
    return gradients(images, weight, gradient, wanted: (false, true), addingTo: &sum).weight
  }
}

extension ConvolutionGeometry {
  /// What results are carried to the next operation in.
  func resultFormat(_ options: ComputeOptions) -> NumberFormat {
    asComputed(options).precision(options) == .bfloat16 ? .bfloat16 : .float32
  }

  private func precision(_ options: ComputeOptions) -> MatmulPrecision {
    options.precision(m: rows, n: groupOutputs, k: patchLength)
  }

  /// The convolution that is computed in place of this one.
  private func asComputed(_ options: ComputeOptions) -> ConvolutionGeometry {
    options.convolution == .automatic && !isDepthwise ? mergedGroups : self
  }

  /// The kernels for depthwise convolutions and for images of few channels, Winograd's algorithm where
  /// it saves enough, else products of patches.
  func implementation(_ options: ComputeOptions) -> any ConvolutionImplementation {
    guard options.convolution == .automatic else {
      return DirectConvolution(self, precision(options))
    }
    if isDepthwise { return DepthwiseConvolution(self) }
    let merged = asComputed(options)
    guard merged == self else {
      return MergedGroups(self, as: merged, by: merged.implementation(options))
    }
    let precision = precision(options)
    if let rows = RowConvolution(self, precision) { return rows }
    return WinogradConvolution(self, precision, isRecorded: options.isRecording)
      ?? DirectConvolution(self, precision) as any ConvolutionImplementation
  }
}
