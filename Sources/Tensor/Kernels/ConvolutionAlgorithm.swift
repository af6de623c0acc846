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
  /// If they can be added to the `sum` of the images' gradient, it is taken.
  let gradients:
    @Sendable (
      _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, ConvolutionGeometry,
      _ wanted: (images: Bool, weight: Bool), _ sum: inout Tensor?
    ) -> (images: Tensor?, weight: Tensor?)

  /// The gradient of the images alone.
  let inputGradient: @Sendable (_ gradient: Tensor, _ weight: Tensor, ConvolutionGeometry) -> Tensor

  static let direct = ConvolutionKernels(
    forward: DirectConvolution.forward, gradients: DirectConvolution.gradients,
    inputGradient: DirectConvolution.inputGradient)

  static func winograd(_ convolution: WinogradConvolution) -> ConvolutionKernels {
    ConvolutionKernels(
      forward: { images, weight, _ in convolution.forward(images, weight) },
      gradients: { images, weight, gradient, _, wanted, _ in
        convolution.gradients(images, weight, gradient, wanted: wanted)
      },
      inputGradient: { gradient, weight, _ in convolution.inputGradient(gradient, weight) })
  }

  /// The gradient of the weight alone.
  func weightGradient(
    _ images: Tensor, _ weight: Tensor, _ gradient: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor? {
    var sum: Tensor?
    return gradients(images, weight, gradient, geometry, (false, true), &sum).weight
  }

  /// The ones to use for a geometry.
  static func best(for geometry: ConvolutionGeometry) -> ConvolutionKernels {
    guard ConvolutionAlgorithm.preferred == .automatic else { return direct }
    return WinogradConvolution(geometry).map { winograd($0) } ?? direct
  }
}
