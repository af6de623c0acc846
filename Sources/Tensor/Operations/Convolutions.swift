/// The two-dimensional convolution of images, as deep learning counts it: a correlation.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - weight: Kernels of shape [outputs, kernel height, kernel width, channels / groups].
///   - bias: A tensor of shape [outputs].
///   - stride: The distance between patches.
///   - padding: Rows and columns of zeros added on each side.
///   - dilation: The distance between the pixels of a patch.
///   - groups: How many parts the channels fall into, each with its own kernels.
/// - Returns: A batch of shape [count, …, …, outputs], (size + 2 · padding - dilation ·
///   (kernel - 1) - 1) / stride + 1 high and wide.
public func convolution(
  _ images: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: any Size2DConvertible = 1,
  padding: any Size2DConvertible = 0, dilation: any Size2DConvertible = 1, groups: Int = 1
) -> Tensor {
  let geometry = ConvolutionGeometry(
    images: images.shape, weight: weight.shape, stride: stride.size2D, padding: padding.size2D,
    dilation: dilation.size2D, groups: groups)
  let options = ComputeOptions.current
  let implementation = geometry.implementation(options)
  let product = implementation.forward(images, weight, nil, in: geometry.resultFormat(options))
  let kept = images.kept
  let result = product.recorded(from: [images, weight], options) { gradient, wanted, sum in
    let gradients = implementation.gradients(
      kept.tensor, weight, gradient, wanted: (wanted[0], wanted[1]), addingTo: &sum)
    return [gradients.images, gradients.weight]
  }
  let window = ConvolutionWindow(
    stride: stride.size2D, padding: padding.size2D, dilation: dilation.size2D, groups: groups)
  return biased(result, bias, operation: "convolution").traced(
    from: [images, weight] + (bias.map { [$0] } ?? []), as: .convolution(window))
}

/// activation(norm(convolution(images)) + residual).
///
/// Where nothing is recorded or traced, the norm is part of the convolution, whose results then go
/// through memory once instead of three times. Without a bias the bits are the same, except of
/// products of bfloat16: there only separate layers' results are carried in 16 bits. The residual has
/// the result's shape.
package func convolution(
  _ images: Tensor, _ weight: Tensor, bias: Tensor?, _ window: ConvolutionWindow,
  then norm: FixedNormalization, _ activation: Activation, adding residual: Tensor?
) -> Tensor {
  let options = ComputeOptions.current
  guard !options.isRecording, options.trace == nil else {
    let result = convolution(
      images, weight, bias: bias, stride: window.stride, padding: window.padding,
      dilation: window.dilation, groups: window.groups)
    return norm(result, activation, residual: residual)
  }
  let geometry = ConvolutionGeometry(
    images: images.shape, weight: weight.shape, stride: window.stride, padding: window.padding,
    dilation: window.dilation, groups: window.groups)
  let epilogue = norm.epilogue(
    geometry.resultShape, convolutionBias: bias, activation, residual: residual)
  return geometry.implementation(options).forward(images, weight, epilogue, in: .float32)
}

/// The transpose of a convolution, which decoders use to enlarge: the gradient of one, run forward.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - weight: Kernels of shape [channels, kernel height, kernel width, outputs / groups].
///   - bias: A tensor of shape [outputs].
///   - stride: The enlargement.
///   - padding: Rows and columns cut off on each side.
///   - outputPadding: Rows and columns added at the bottom and the right.
///   - dilation: The distance between the pixels of a patch.
///   - groups: How many parts the channels fall into, each with its own kernels.
/// - Returns: A batch of shape [count, …, …, outputs], (size - 1) · stride - 2 · padding +
///   dilation · (kernel - 1) + outputPadding + 1 high and wide.
public func transposedConvolution(
  _ images: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: any Size2DConvertible = 1,
  padding: any Size2DConvertible = 0, outputPadding: any Size2DConvertible = 0,
  dilation: any Size2DConvertible = 1, groups: Int = 1
) -> Tensor {
  let (stride, padding) = (stride.size2D, padding.size2D)
  let (outputPadding, dilation) = (outputPadding.size2D, dilation.size2D)
  precondition(
    images.rank == 4 && weight.rank == 4 && images.shape[3] == weight.shape[0],
    "transposedConvolution needs images [count, height, width, channels] and a weight [channels, "
      + "height, width, outputs]; got \(images.shape) and \(weight.shape)")
  func extent(_ path: KeyPath<Size2D, Int>, _ size: Int, _ kernel: Int) -> Int {
    (size - 1) * stride[keyPath: path] - 2 * padding[keyPath: path]
      + dilation[keyPath: path] * (kernel - 1) + outputPadding[keyPath: path] + 1
  }
  let enlarged: TensorShape = [
    images.shape[0], extent(\.height, images.shape[1], weight.shape[1]),
    extent(\.width, images.shape[2], weight.shape[2]), weight.shape[3] * groups,
  ]
  let geometry = ConvolutionGeometry(
    images: enlarged, weight: weight.shape, stride: stride, padding: padding, dilation: dilation,
    groups: groups)
  precondition(
    geometry.resultShape == images.shape,
    "transposedConvolution needs an output padding below the stride; got \(outputPadding) with "
      + "stride \(stride)")
  let options = ComputeOptions.current
  let implementation = geometry.implementation(options)
  let result = implementation.inputGradient(images, weight).recorded(
    from: [images, weight], options
  ) {
    gradient, wanted, _ in
    [
      wanted[0] ? implementation.forward(gradient, weight) : nil,
      wanted[1] ? implementation.weightGradient(gradient, weight, images) : nil,
    ]
  }
  let window = ConvolutionWindow(
    stride: stride, padding: padding, dilation: dilation, groups: groups)
  return biased(result, bias, operation: "transposedConvolution").traced(
    from: [images, weight] + (bias.map { [$0] } ?? []),
    as: .transposedConvolution(window, outputPadding: outputPadding))
}

private func biased(_ result: Tensor, _ bias: Tensor?, operation: String) -> Tensor {
  guard let bias else { return result }
  precondition(
    bias.shape == [result.shape[3]],
    "\(operation) needs a bias of shape [\(result.shape[3])]; got \(bias.shape)")
  return result + bias
}
