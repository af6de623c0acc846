/// What an operation computes from its inputs, for what writes networks in other formats.
///
/// Axes count from the front. Shapes are those of the inputs and the result, and are not repeated
/// here. An input that an operation can do without, such as a bias, is an empty tensor where there
/// is none.
package enum TracedOperation: Hashable, Sendable {
  /// A function of each element.
  case elementwise(ElementwiseFunction)
  /// x where it is positive, `slope` · x elsewhere.
  case leakyReLU(slope: Float)
  /// x where it is positive, `alpha` · (eˣ - 1) elsewhere.
  case elu(alpha: Float)
  /// Each element to a power.
  case power(Float)
  /// Each element moved into a range.
  case clamp(ClosedRange<Float>)
  /// A function of two elements, broadcasting.
  case binary(BinaryFunction)
  /// A function of each element and a number, which comes first or second.
  case binaryWithNumber(BinaryFunction, Float, isFirst: Bool)
  /// Elements of the second input where the first is not zero, of the third elsewhere.
  case select
  /// Inputs: images, weight and, if it has one, bias.
  case convolution(ConvolutionWindow)
  /// Inputs: images, weight and, if it has one, bias.
  case transposedConvolution(ConvolutionWindow, outputPadding: Size2D)
  /// The largest value of each window.
  case maxPool(window: Size2D, stride: Size2D, padding: Size2D)
  /// The mean of each window, padding included.
  case averagePool(window: Size2D, stride: Size2D, padding: Size2D)
  /// Inputs of shape [..., k] and [k, n], or batches that broadcast.
  case matmul
  /// Inputs: x, weight of shape [outputs, inputs] and, if it has one, bias.
  case linear
  /// Normalisation by given statistics; inputs: x, mean, variance, scale, bias, residual.
  case batchNorm(epsilon: Float, Activation)
  /// Inputs: x, scale, bias, residual.
  case groupNorm(groups: Int, epsilon: Float, Activation)
  /// Over the last axis; inputs: x, scale, bias.
  case layerNorm(epsilon: Float)
  /// One number from those along some axes, which stay as size 1 or go.
  case reduce(ReductionFunction, axes: [Int], keepingAxes: Bool)
  /// Each vector along an axis over its length, or over `epsilon` if that is larger.
  case l2Normalize(axis: Int, epsilon: Float)
  /// Along the last axis.
  case softmax
  /// Along the last axis.
  case logSoftmax
  /// Images brought to the size of the result.
  case resize(Interpolation, antialias: Bool)
  /// The same elements under the result's shape.
  case reshape
  /// Axis i of the result is axis `axes[i]` of the input.
  case permute(axes: [Int])
  /// Repeated up to the result's shape.
  case broadcast
  /// Reversed along axes.
  case flip(axes: [Int])
  /// A value around the input.
  case pad(before: [Int], after: [Int], value: Float)
  /// The block of the result's shape that begins at `starts`.
  case crop(starts: [Int])
  /// Entries along the first axis.
  case indexSelect([Int])
  /// The inputs one after the other.
  case concatenate(axis: Int)
}

/// A function of one element.
package enum ElementwiseFunction: Sendable {
  case relu, gelu, sigmoid, silu, tanh, softplus, negate, abs
  case exp, log, log1p, sqrt, rsqrt, square, sin, cos
}

/// A function of two elements; a comparison gives one or zero.
package enum BinaryFunction: Sendable {
  case add, subtract, multiply, divide, maximum, minimum
  case greater, less, greaterOrEqual, lessOrEqual, equal
}

/// What makes one number from many.
package enum ReductionFunction: Sendable {
  case sum, mean, max, min, norm, logSumExp
}

/// How the kernels of a convolution lie on the images.
package struct ConvolutionWindow: Hashable, Sendable {
  package let stride: Size2D
  package let padding: Size2D
  package let dilation: Size2D
  package let groups: Int

  /// The settings of ``convolution(_:_:bias:stride:padding:dilation:groups:)``.
  package init(stride: Size2D, padding: Size2D, dilation: Size2D, groups: Int) {
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
    self.groups = groups
  }
}
