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
struct ConvolutionKernels: Sendable {
  let forward: @Sendable (_ images: Tensor, _ weight: Tensor, ConvolutionGeometry) -> Tensor
  let gradients:
    @Sendable (
      _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, ConvolutionGeometry,
      _ wanted: (images: Bool, weight: Bool)
    ) -> (images: Tensor?, weight: Tensor?)

  /// The gradient of the images alone.
  let inputGradient: @Sendable (_ gradient: Tensor, _ weight: Tensor, ConvolutionGeometry) -> Tensor

  static let direct = ConvolutionKernels(
    forward: DirectConvolution.forward, gradients: DirectConvolution.gradients,
    inputGradient: DirectConvolution.inputGradient)

  static let winograd = ConvolutionKernels(
    forward: WinogradConvolution<UnitStrideScheme>.forward,
    gradients: WinogradConvolution<UnitStrideScheme>.gradients,
    inputGradient: WinogradConvolution<UnitStrideScheme>.inputGradient)

  static let winogradOfStrideTwo = ConvolutionKernels(
    forward: WinogradConvolution<StrideTwoScheme>.forward,
    gradients: WinogradConvolution<StrideTwoScheme>.gradients,
    inputGradient: WinogradConvolution<StrideTwoScheme>.inputGradient)

  /// The ones to use for a geometry.
  static func best(for geometry: ConvolutionGeometry) -> ConvolutionKernels {
    guard ConvolutionAlgorithm.preferred == .automatic else { return direct }
    if WinogradConvolution<UnitStrideScheme>.applies(to: geometry) { return winograd }
    return WinogradConvolution<StrideTwoScheme>.applies(to: geometry) ? winogradOfStrideTwo : direct
  }
}
