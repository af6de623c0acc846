/// How convolutions are computed.
public enum ConvolutionAlgorithm: Sendable {
  /// Products of patch matrices, for any geometry.
  case direct

  /// The fastest one for a geometry.
  static func best(for geometry: ConvolutionGeometry) -> ConvolutionAlgorithm { .direct }

  func forward(_ images: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
    DirectConvolution.forward(images, weight, geometry)
  }

  func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    DirectConvolution.inputGradient(gradient, weight, geometry)
  }

  func weightGradient(
    _ images: Tensor, _ gradient: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    DirectConvolution.weightGradient(images, gradient, geometry)
  }
}
