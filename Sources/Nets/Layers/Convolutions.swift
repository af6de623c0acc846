import Tensor

/// A two-dimensional convolution of images [count, height, width, channels].
public final class Conv2d: ImagewiseModule {
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
    precondition(
      groups >= 1 && inputChannels.isMultiple(of: groups) && outputChannels.isMultiple(of: groups),
      "Conv2d needs channels divisible by groups; got \(inputChannels), \(outputChannels) and "
        + "\(groups) groups")
    var random = stream ?? AmbientStream.current.split()
    let shape: Shape = [
      outputChannels, kernelSize.height, kernelSize.width, inputChannels / groups,
    ]
    let fanIn = shape[1] * shape[2] * shape[3]
    weight = Parameter(
      Initialization.uniform(shape, fanIn: fanIn, using: &random), layout: .channelsFirst)
    self.bias =
      bias ? Parameter(Initialization.uniform([outputChannels], fanIn: fanIn, using: &random)) : nil
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
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
}

/// The transpose of a convolution, which decoders use to enlarge images.
public final class ConvTranspose2d: ImagewiseModule {
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
    precondition(
      groups >= 1 && inputChannels.isMultiple(of: groups) && outputChannels.isMultiple(of: groups),
      "ConvTranspose2d needs channels divisible by groups; got \(inputChannels), "
        + "\(outputChannels) and \(groups) groups")
    var random = stream ?? AmbientStream.current.split()
    let shape: Shape = [
      inputChannels, kernelSize.height, kernelSize.width, outputChannels / groups,
    ]
    let fanIn = shape[1] * shape[2] * shape[3]
    weight = Parameter(
      Initialization.uniform(shape, fanIn: fanIn, using: &random), layout: .channelsFirst)
    self.bias =
      bias ? Parameter(Initialization.uniform([outputChannels], fanIn: fanIn, using: &random)) : nil
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
  }

  /// Images of shape [count, height, width, inputs] to [count, …, …, outputs].
  public func forward(_ input: Tensor) -> Tensor {
    transposedConvolution(
      input, weight.value, bias: bias?.value, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}

/// A convolution whose kernels have zero mean and unit variance in use (Qiao et al., 2019).
///
/// With group norm it stands in for batch norm: `WeightStandardized(Conv2d(…))`.
public final class WeightStandardized: ImagewiseModule {
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
