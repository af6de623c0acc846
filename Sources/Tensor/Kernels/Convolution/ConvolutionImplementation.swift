/// How convolutions are computed.
public enum ConvolutionAlgorithm: String, CaseIterable, Sendable {
  /// The fastest way for each geometry.
  case automatic
  /// Products of patch matrices, for any geometry.
  case direct

  @TaskLocal static var preferred = ConvolutionAlgorithm.automatic
}

/// Runs `body` with convolutions, and the gradients of those recorded in it, computed in one way.
public func withConvolutionAlgorithm<Result>(
  _ algorithm: ConvolutionAlgorithm, _ body: () throws -> Result
) rethrows -> Result {
  try ConvolutionAlgorithm.$preferred.withValue(algorithm, operation: body)
}

/// A convolution and its gradients, by one algorithm.
protocol ConvolutionKernels: Sendable {
  func forward(_ images: Tensor, _ weight: Tensor) -> Tensor

  /// If they can be added to the `sum` of the images' gradient, it is taken.
  func gradients(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, wanted: (images: Bool, weight: Bool),
    addingTo sum: inout Tensor?
  ) -> (images: Tensor?, weight: Tensor?)

  /// The gradient of the images alone.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor) -> Tensor
}

extension ConvolutionKernels {
  /// The gradient of the weight alone.
  func weightGradient(_ images: Tensor, _ weight: Tensor, _ gradient: Tensor) -> Tensor? {
    var sum: Tensor?
    return gradients(images, weight, gradient, wanted: (false, true), addingTo: &sum).weight
  }
}

extension ConvolutionGeometry {
  /// The kernels to use for it.
  var bestKernels: any ConvolutionKernels {
    guard ConvolutionAlgorithm.preferred == .automatic, let winograd = WinogradConvolution(self)
    else { return DirectConvolution(self) }
    return winograd
  }
}
