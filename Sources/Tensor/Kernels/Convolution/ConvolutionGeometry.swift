/// The sizes of one convolution: images [count, height, width, inputs], weights
/// [outputs, kernel height, kernel width, inputs / groups], results [count, …, …, outputs].
struct ConvolutionGeometry: Hashable, Sendable {
  let count: Int
  let input: Size2D
  let inputs: Int
  let outputs: Int
  let kernel: Size2D
  let stride: Size2D
  let padding: Size2D
  let dilation: Size2D
  let groups: Int
  let output: Size2D

  init(
    images: TensorShape, weight: TensorShape, stride: Size2D, padding: Size2D, dilation: Size2D,
    groups: Int
  ) {
    precondition(
      images.rank == 4 && weight.rank == 4,
      "convolution needs images [count, height, width, channels] and a weight [outputs, height, "
        + "width, inputs]; got \(images) and \(weight)")
    precondition(
      groups >= 1 && images[3] == weight[3] * groups && weight[0].isMultiple(of: groups),
      "convolution needs images of \(weight[3] * groups) channels for a weight of shape \(weight) "
        + "in \(groups) groups; got images of shape \(images)")
    precondition(
      min(stride.height, stride.width, dilation.height, dilation.width) >= 1
        && min(padding.height, padding.width) >= 0,
      "convolution needs strides and dilations of 1 or more and paddings of 0 or more; got stride "
        + "\(stride), padding \(padding), dilation \(dilation)")
    count = images[0]
    input = Size2D(height: images[1], width: images[2])
    inputs = images[3]
    outputs = weight[0]
    kernel = Size2D(height: weight[1], width: weight[2])
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    func extent(_ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int) -> Int {
      (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
    }
    let reach = Size2D(
      height: dilation.height * (kernel.height - 1) + 1,
      width: dilation.width * (kernel.width - 1) + 1)
    precondition(
      reach.height <= input.height + 2 * padding.height
        && reach.width <= input.width + 2 * padding.width,
      "convolution needs images of at least \(reach) with their padding of \(padding); got \(input)"
    )
    output = Size2D(
      height: extent(input.height, kernel.height, stride.height, padding.height, dilation.height),
      width: extent(input.width, kernel.width, stride.width, padding.width, dilation.width))
  }

  var imageShape: TensorShape { [count, input.height, input.width, inputs] }
  var weightShape: TensorShape { [outputs, kernel.height, kernel.width, groupInputs] }
  var imageLength: Int { input.height * input.width * inputs }
  var resultShape: TensorShape { [count, output.height, output.width, outputs] }

  /// The channels one group reads and writes.
  var groupInputs: Int { inputs / groups }
  var groupOutputs: Int { outputs / groups }

  /// The result's positions in one image, and in all of them.
  var positions: Int { output.height * output.width }
  var rows: Int { count * positions }

  /// Whether each channel is a group of its own.
  var isDepthwise: Bool { groups > 1 && groupInputs == 1 && groupOutputs == 1 }

  /// The length of one patch: kernel height · kernel width · channels of a group.
  var patchLength: Int { kernel.height * kernel.width * groupInputs }

  /// Whether every patch is one pixel, so that the images are their own patch matrix.
  var isPointwise: Bool {
    kernel == 1 && stride == 1 && padding == 0
  }

  /// Rows a block: the patches fit the second-level cache, but enough of them to amortise packing
  /// the weights.
  var blockRows: Int {
    Parts.blockSize(rows, wanted: max(192, (1 << 17) / patchLength), least: 96)
  }
}
