import Tensor

extension RandomStream {
  /// One of `choices`.
  mutating func choice<Value>(_ choices: [Value]) -> Value {
    choices[integer(in: 0..<choices.count)]
  }

  /// A height and a width, each from `range`.
  mutating func size(in range: Range<Int>) -> Size2D {
    Size2D(height: integer(in: range), width: integer(in: range))
  }

  /// Shapes of images and weight, with settings that fit them.
  mutating func convolution() -> (images: [Int], weight: [Int], settings: ConvolutionSettings) {
    let kernel = size(in: 1..<5)
    let groups = choice([1, 1, 1, 2, 3])
    let settings = ConvolutionSettings(
      stride: size(in: 1..<4), padding: size(in: 0..<3), dilation: size(in: 1..<3), groups: groups)
    // At least what the kernel reaches, beyond the padding.
    let reach = Size2D(
      height: settings.dilation.height * (kernel.height - 1) + 1 - 2 * settings.padding.height,
      width: settings.dilation.width * (kernel.width - 1) + 1 - 2 * settings.padding.width)
    let (inputs, outputs) = (choice([1, 2, 3, 5]), choice([1, 2, 3, 4]))
    let images = [
      integer(in: 1..<4), max(1, reach.height) + integer(in: 0..<7),
      max(1, reach.width) + integer(in: 0..<7), inputs * groups,
    ]
    return (images, [outputs * groups, kernel.height, kernel.width, inputs], settings)
  }

  /// The same for a transposed convolution, whose result is not empty.
  mutating func transposedConvolution() -> (
    images: [Int], weight: [Int], settings: ConvolutionSettings
  ) {
    let (_, weight, drawn) = convolution()
    var settings = drawn
    settings.outputPadding = Size2D(
      height: integer(in: 0..<settings.stride.height),
      width: integer(in: 0..<settings.stride.width))
    // The result has at least as many rows as the kernel reaches when the padding is below it.
    settings.padding = Size2D(
      height: min(settings.padding.height, settings.dilation.height * (weight[1] - 1) / 2),
      width: min(settings.padding.width, settings.dilation.width * (weight[2] - 1) / 2))
    return (
      [integer(in: 1..<4), integer(in: 1..<6), integer(in: 1..<6), weight[0]], weight, settings
    )
  }

  mutating func windows() -> PoolingWindows {
    let window = size(in: 1..<5)
    let padding = Size2D(
      height: integer(in: 0..<window.height / 2 + 1), width: integer(in: 0..<window.width / 2 + 1))
    let images = [
      integer(in: 1..<4), max(1, window.height - 2 * padding.height) + integer(in: 0..<7),
      max(1, window.width - 2 * padding.width) + integer(in: 0..<7), choice([1, 2, 3, 5, 8, 17]),
    ]
    return PoolingWindows(
      images: images, window: window, stride: size(in: 1..<4), padding: padding)
  }
}
