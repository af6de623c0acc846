import Tensor

/// A two-dimensional convolution of images [count, height, width, channels].
public final class Conv2d: SampleIndependent {
  /// Shape [outputs, kernel height, kernel width, inputs / groups].
  public let weight: Parameter
  /// Shape [outputs].
  public let bias: Parameter?
  /// The distance between patches.
  public let stride: Size2D
  /// Rows and columns of zeros added on each side.
  public let padding: Size2D
  /// The distance between the pixels of a patch.
  public let dilation: Size2D
  /// How many parts the channels fall into.
  public let groups: Int

  /// A layer from `inputChannels` to `outputChannels`, with torch's defaults and initial weights.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: Size2D, stride: Size2D = 1,
    padding: Size2D = 0, dilation: Size2D = 1, groups: Int = 1, bias: Bool = true,
    using stream: RandomStream? = nil
  ) {
    (weight, self.bias) = initialWeights(
      from: inputChannels, to: outputChannels, kernelSize, groups: groups, bias: bias, stream)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// A layer with square kernels, strides and paddings.
  public convenience init(
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: Int, stride: Int = 1,
    padding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true,
    using stream: RandomStream? = nil
  ) {
    self.init(
      inputChannels, outputChannels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
      padding: Size2D(padding), dilation: Size2D(dilation), groups: groups, bias: bias,
      using: stream)
  }

  /// The channels this layer reads.
  public var inputChannels: Int { weight.shape[3] * groups }

  /// Images of shape [count, height, width, inputs] to [count, …, …, outputs].
  public func forward(_ input: Tensor) -> Tensor { convolved(input, with: weight.value) }

  func convolved(_ input: Tensor, with weight: Tensor) -> Tensor {
    convolution(
      input, weight, bias: bias?.value, stride: stride, padding: padding, dilation: dilation,
      groups: groups)
  }
}

/// The transpose of a convolution, which decoders use to enlarge images.
public final class ConvTranspose2d: SampleIndependent {
  /// Shape [inputs, kernel height, kernel width, outputs / groups].
  public let weight: Parameter
  /// Shape [outputs].
  public let bias: Parameter?
  /// The enlargement.
  public let stride: Size2D
  /// Rows and columns cut off on each side.
  public let padding: Size2D
  /// Rows and columns added at the bottom and the right.
  public let outputPadding: Size2D
  /// The distance between the pixels of a patch.
  public let dilation: Size2D
  /// How many parts the channels fall into.
  public let groups: Int

  /// A layer from `inputChannels` to `outputChannels`, with torch's defaults and initial weights.
  public init(
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: Size2D, stride: Size2D = 1,
    padding: Size2D = 0, outputPadding: Size2D = 0, dilation: Size2D = 1, groups: Int = 1,
    bias: Bool = true, using stream: RandomStream? = nil
  ) {
    (weight, self.bias) = initialWeights(
      from: inputChannels, to: outputChannels, kernelSize, groups: groups, bias: bias, stream,
      isTransposed: true)
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
  }

  /// A layer with square kernels, strides and paddings.
  public convenience init(
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: Int, stride: Int = 1,
    padding: Int = 0, outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
    bias: Bool = true, using stream: RandomStream? = nil
  ) {
    self.init(
      inputChannels, outputChannels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
      padding: Size2D(padding), outputPadding: Size2D(outputPadding), dilation: Size2D(dilation),
      groups: groups, bias: bias, using: stream)
  }

  /// Images of shape [count, height, width, inputs] to [count, …, …, outputs].
  public func forward(_ input: Tensor) -> Tensor {
    transposedConvolution(
      input, weight.value, bias: bias?.value, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}

/// The parameters of a convolution in either direction, with torch's initial weights.
private func initialWeights(
  from inputs: Int, to outputs: Int, _ kernelSize: Size2D, groups: Int, bias: Bool,
  _ stream: RandomStream?, isTransposed: Bool = false
) -> (weight: Parameter, bias: Parameter?) {
  precondition(
    groups >= 1 && inputs.isMultiple(of: groups) && outputs.isMultiple(of: groups),
    "\(isTransposed ? "ConvTranspose2d" : "Conv2d") needs channels divisible by groups; got "
      + "\(inputs), \(outputs) and \(groups) groups")
  var stream = stream ?? DefaultGenerator.current.split()
  let (first, last) = isTransposed ? (inputs, outputs) : (outputs, inputs)
  let shape: TensorShape = [first, kernelSize.height, kernelSize.width, last / groups]
  let fanIn = shape[1] * shape[2] * shape[3]
  let weight = Initialization.uniform(shape, fanIn: fanIn, using: &stream)
  return (
    Parameter(weight, layout: .channelsFirst),
    bias ? Parameter(Initialization.uniform([outputs], fanIn: fanIn, using: &stream)) : nil
  )
}

/// A convolution whose kernels have zero mean and unit variance in use (Qiao et al., 2019).
///
/// With group norm it stands in for batch norm: `WeightStandardized(Conv2d(…))`.
public final class WeightStandardized: SampleIndependent {
  /// The convolution, whose weight is standardised in each call.
  public let convolution: Conv2d
  /// Added to the variance.
  public let epsilon: Float

  /// The given convolution with standardised weights.
  public init(_ convolution: Conv2d, epsilon: Float = 1e-5) {
    self.convolution = convolution
    self.epsilon = epsilon
  }

  /// The convolution's own members: a checkpoint does not show the wrapper.
  public var members: [Member] { convolution.members }

  /// Images of shape [count, height, width, inputs] to [count, …, …, outputs].
  public func forward(_ input: Tensor) -> Tensor {
    let weight = convolution.weight.value
    let rows = weight.reshaped([weight.shape[0], -1])
    return convolution.convolved(
      input, with: layerNorm(rows, epsilon: epsilon).reshaped(weight.shape))
  }
}
