import Tensor

extension OperationTable {
  static let products: [OperationCheck] = [
    OperationCheck(
      "matmul(Tensor, Tensor)",
      on: [
        [[3, 4], [4, 2]], [[1, 5], [5, 1]], [[4, 1], [1, 3]], [[2, 3, 4], [4, 2]],
        [[2, 3, 4], [2, 4, 5]], [[3, 4], [2, 4, 2]], [[2, 1, 3, 2], [3, 2, 4]],
        [[1, 2, 3], [4, 3, 1]],
      ],
      large: [
        [[120, 130], [130, 90]], [[90, 130], [130, 140]], [[5, 40, 30], [5, 30, 20]],
        [[60, 300], [300, 90]], [[300, 270], [270, 290]],
      ],
      { matmul($0[0], $0[1]) }, twin: { Twin.matmul($0[0], $0[1]) }),
    OperationCheck(
      "linear(Tensor, Tensor, bias:)", "biased",
      on: [
        [[3, 4], [2, 4], [2]], [[5], [3, 5], [3]], [[2, 3, 4], [1, 4], [1]],
        [[1, 1], [4, 1], [4]],
        [[2, 1, 2, 3], [5, 3], [5]],
      ],
      large: [
        [[100, 120], [110, 120], [110]], [[70, 300], [520, 300], [520]],
        [[40, 300], [90, 300], [90]],
      ],
      { linear($0[0], $0[1], bias: $0[2]) }, twin: { Twin.linear($0[0], $0[1], bias: $0[2]) }),
    OperationCheck(
      "linear(Tensor, Tensor, bias:)", "without bias",
      on: [[[3, 4], [2, 4]], [[5], [3, 5]], [[2, 3, 4], [1, 4]]],
      { linear($0[0], $0[1]) }, twin: { Twin.linear($0[0], $0[1], bias: nil) }),
    OperationCheck(
      "selfAttention(Tensor, headCount:)", "one head",
      on: [[[1, 1, 3]], [[2, 3, 6]], [[1, 4, 9]]],
      { selfAttention($0[0], headCount: 1) }, twin: { $0[0].selfAttention(headCount: 1) }),
    OperationCheck(
      "selfAttention(Tensor, headCount:)", "several heads", on: [[[2, 3, 12]], [[1, 5, 18]]],
      // 300 tokens are more than the queries whose weights are computed at a time.
      large: [[[2, 37, 96]], [[1, 300, 12]]],
      { selfAttention($0[0], headCount: 2) }, twin: { $0[0].selfAttention(headCount: 2) }),
  ]

  static let convolutions: [OperationCheck] = [
    convolutionRow(
      .init(), on: [[[1, 3, 3, 1], [1, 1, 1, 1]], [[2, 4, 3, 3], [2, 3, 2, 3]]]),
    convolutionRow(
      .init(padding: 1), on: [[[2, 4, 5, 2], [3, 3, 3, 2]], [[1, 1, 1, 3], [2, 3, 3, 3]]]),
    convolutionRow(
      .init(stride: [2, 1], padding: [0, 2]),
      on: [[[2, 5, 4, 1], [2, 2, 3, 1]], [[1, 7, 3, 2], [1, 3, 5, 2]]]),
    convolutionRow(.init(stride: 2), on: [[[2, 5, 4, 3], [4, 1, 1, 3]]]),
    convolutionRow(.init(padding: 2, dilation: [2, 1]), on: [[[1, 6, 5, 2], [3, 3, 2, 2]]]),
    convolutionRow(.init(padding: 1, groups: 2), on: [[[2, 4, 4, 4], [6, 3, 3, 2]]]),
    convolutionRow(
      .init(groups: 3), on: [[[2, 3, 2, 3], [3, 1, 1, 1]], [[1, 3, 3, 6], [3, 2, 2, 2]]]),
    OperationCheck(
      convolutionName, "biased", on: [[[2, 4, 3, 3], [2, 3, 2, 3], [2]]],
      large: [[[4, 12, 11, 6], [7, 3, 3, 6], [7]]],
      { Tensor.convolved($0, .init(padding: 1)) },
      twin: { Twin.convolution($0[0], $0[1], .init(padding: 1)) + $0[2] }),
  ]

  static let transposedConvolutions: [OperationCheck] = [
    transposedRow(.init(), on: [[[1, 3, 3, 1], [1, 1, 1, 1]], [[2, 4, 3, 3], [3, 3, 2, 2]]]),
    transposedRow(
      .init(stride: 2), on: [[[2, 3, 2, 3], [3, 2, 2, 4]], [[1, 1, 1, 2], [2, 3, 3, 1]]]),
    transposedRow(
      .init(stride: [2, 3], padding: 1, outputPadding: [1, 2]),
      on: [[[2, 3, 2, 2], [2, 3, 3, 3]]]),
    transposedRow(.init(padding: 1, dilation: 2), on: [[[1, 3, 4, 2], [2, 3, 2, 2]]]),
    transposedRow(.init(stride: 2, groups: 2), on: [[[2, 3, 2, 4], [4, 2, 3, 3]]]),
    OperationCheck(
      transposedName, "biased", on: [[[2, 3, 3, 2], [2, 2, 2, 3], [3]]],
      { Tensor.transposeConvolved($0, .init(stride: 2)) },
      twin: { Twin.transposedConvolution($0[0], $0[1], .init(stride: 2)) + $0[2] }),
  ]

  private static let convolutionName =
    "convolution(Tensor, Tensor, bias:, stride:, padding:, dilation:, groups:)"
  private static let transposedName =
    "transposedConvolution(Tensor, Tensor, bias:, stride:, padding:, outputPadding:, dilation:, groups:)"

  private static func convolutionRow(
    _ settings: ConvolutionSettings, on shapes: [[[Int]]]
  ) -> OperationCheck {
    OperationCheck(
      convolutionName, "\(settings)", on: shapes, { Tensor.convolved($0, settings) },
      twin: { Twin.convolution($0[0], $0[1], settings) })
  }

  private static func transposedRow(
    _ settings: ConvolutionSettings, on shapes: [[[Int]]]
  ) -> OperationCheck {
    OperationCheck(
      transposedName, "\(settings)", on: shapes, { Tensor.transposeConvolved($0, settings) },
      twin: { Twin.transposedConvolution($0[0], $0[1], settings) })
  }
}

extension Tensor {
  /// A convolution of images, weight and perhaps bias.
  static func convolved(_ inputs: [Tensor], _ settings: ConvolutionSettings) -> Tensor {
    convolution(
      inputs[0], inputs[1], bias: inputs.count > 2 ? inputs[2] : nil, stride: settings.stride,
      padding: settings.padding, dilation: settings.dilation, groups: settings.groups)
  }

  /// A transposed convolution of images, weight and perhaps bias.
  static func transposeConvolved(_ inputs: [Tensor], _ settings: ConvolutionSettings) -> Tensor {
    transposedConvolution(
      inputs[0], inputs[1], bias: inputs.count > 2 ? inputs[2] : nil, stride: settings.stride,
      padding: settings.padding, outputPadding: settings.outputPadding,
      dilation: settings.dilation, groups: settings.groups)
  }
}
