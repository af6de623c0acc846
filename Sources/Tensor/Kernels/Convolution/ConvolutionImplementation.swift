/// A convolution and its gradients, by one algorithm.
protocol ConvolutionImplementation: Sendable {
  /// The results, after the epilogue if there is one.
  func forward(_ images: Tensor, _ weight: Tensor, _ epilogue: ConvolutionEpilogue?) -> Tensor

  /// The gradients that are wanted. May add that of the images to `sum` in place; then sets `sum`
  /// to nil.
  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?)

  /// The gradient of the images alone.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor
}

extension ConvolutionImplementation {
  func forward(_ images: Tensor, _ weight: Tensor) -> Tensor { forward(images, weight, nil) }

  /// The gradient of the weight alone.
  func weightGradient(_ images: Tensor, _ weight: Tensor, _ gradient: Tensor) -> Tensor? {
    var sum: Tensor?
    return gradients(images, weight, gradient, wanted: (false, true), addingTo: &sum).weight
  }
}

extension ConvolutionGeometry {
  /// Winograd's algorithm where it saves enough, the kernels for depthwise convolutions, else
  /// products of patches.
  func implementation(_ options: ComputeOptions) -> any ConvolutionImplementation {
    let precision = options.precision(m: rows, n: groupOutputs, k: patchLength)
    let direct = DirectConvolution(self, precision)
    guard options.convolution == .automatic else { return direct }
    if let winograd = WinogradConvolution(self, precision, isRecorded: options.isRecording) {
      return winograd
    }
    if let depthwise = DepthwiseConvolution(self) { return depthwise }
    return direct
  }
}
