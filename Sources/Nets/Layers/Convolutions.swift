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
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: any Size2DConvertible,
    stride: any Size2DConvertible = 1, padding: any Size2DConvertible = 0,
    dilation: any Size2DConvertible = 1, groups: Int = 1, bias: Bool = true,
    using stream: RandomStream? = nil
  ) {
    (weight, self.bias) = initialWeights(
      from: inputChannels, to: outputChannels, kernelSize.size2D, groups: groups, bias: bias, stream
    )
    self.stride = stride.size2D
    self.padding = padding.size2D
    self.dilation = dilation.size2D
    self.groups = groups
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

  /// activation(norm(self(input)) + residual), for a norm that computes by fixed numbers.
  func callAsFunction(
    _ input: Tensor, then norm: FixedNormalization, _ activation: Activation,
    adding residual: Tensor?
  ) -> Tensor {
    withModulePrecision {
      convolution(
        input, weight.value, bias: bias?.value,
        ConvolutionWindow(stride: stride, padding: padding, dilation: dilation, groups: groups),
        then: norm, activation, adding: residual)
    }
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
    _ inputChannels: Int, _ outputChannels: Int, kernelSize: any Size2DConvertible,
    stride: any Size2DConvertible = 1, padding: any Size2DConvertible = 0,
    outputPadding: any Size2DConvertible = 0, dilation: any Size2DConvertible = 1, groups: Int = 1,
    bias: Bool = true, using stream: RandomStream? = nil
  ) {
    (weight, self.bias) = initialWeights(
      from: inputChannels, to: outputChannels, kernelSize.size2D, groups: groups, bias: bias,
      stream,
      isTransposed: true)
    self.stride = stride.size2D
    self.padding = padding.size2D
    self.outputPadding = outputPadding.size2D
    self.dilation = dilation.size2D
    self.groups = groups
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
