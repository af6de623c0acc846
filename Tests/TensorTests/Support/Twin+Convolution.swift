import Tensor

/// What a convolution is asked for, in a test.
struct ConvolutionSettings: CustomStringConvertible, Sendable {
  var stride: Size2D = 1
  var padding: Size2D = 0
  var outputPadding: Size2D = 0
  var dilation: Size2D = 1
  var groups = 1

  var description: String {
    "stride \(stride), padding \(padding), output padding \(outputPadding), dilation \(dilation), "
      + "\(groups) groups"
  }
}

/// The multiplications of a convolution, one by one, for loops over them.
struct ConvolutionTaps {
  let images: [Int]
  let weight: [Int]
  let settings: ConvolutionSettings

  var result: [Int] {
    let height = images[1] + 2 * settings.padding.height
    let width = images[2] + 2 * settings.padding.width
    return [
      images[0],
      (height - settings.dilation.height * (weight[1] - 1) - 1) / settings.stride.height + 1,
      (width - settings.dilation.width * (weight[2] - 1) - 1) / settings.stride.width + 1,
      weight[0],
    ]
  }

  /// Calls `body` with the positions of each image value, weight and result that belong together.
  func forEach(_ body: (_ image: Int, _ weight: Int, _ result: Int) -> Void) {
    let (size, outputs) = (result, weight[0])
    for n in 0..<size[0] {
      for oy in 0..<size[1] {
        for ox in 0..<size[2] {
          for output in 0..<outputs {
            let place = ((n * size[1] + oy) * size[2] + ox) * outputs + output
            forEachTap(n, oy, ox, output) { body($0, $1, place) }
          }
        }
      }
    }
  }

  private func forEachTap(
    _ n: Int, _ oy: Int, _ ox: Int, _ output: Int, _ body: (_ image: Int, _ weight: Int) -> Void
  ) {
    let inputs = weight[3]
    let firstInput = output / (weight[0] / settings.groups) * inputs
    for ky in 0..<weight[1] {
      let y = oy * settings.stride.height + ky * settings.dilation.height - settings.padding.height
      guard y >= 0, y < images[1] else { continue }
      for kx in 0..<weight[2] {
        let x = ox * settings.stride.width + kx * settings.dilation.width - settings.padding.width
        guard x >= 0, x < images[2] else { continue }
        for input in 0..<inputs {
          body(
            ((n * images[1] + y) * images[2] + x) * images[3] + firstInput + input,
            ((output * weight[1] + ky) * weight[2] + kx) * inputs + input)
        }
      }
    }
  }
}

extension Twin {
  static func convolution(_ images: Twin, _ weight: Twin, _ settings: ConvolutionSettings) -> Twin {
    let taps = ConvolutionTaps(images: images.shape, weight: weight.shape, settings: settings)
    var result = Twin(taps.result) { _ in 0 }
    taps.forEach { result.values[$2] += images.values[$0] * weight.values[$1] }
    return result
  }

  /// The transpose: each image value spread over the results that a convolution would read it for.
  static func transposedConvolution(
    _ images: Twin, _ weight: Twin, _ settings: ConvolutionSettings
  ) -> Twin {
    func extent(_ axis: Int, _ path: KeyPath<Size2D, Int>) -> Int {
      (images.shape[axis] - 1) * settings.stride[keyPath: path]
        - 2 * settings.padding[keyPath: path]
        + settings.dilation[keyPath: path] * (weight.shape[axis] - 1)
        + settings.outputPadding[keyPath: path] + 1
    }
    let enlarged = [
      images.shape[0], extent(1, \.height), extent(2, \.width), weight.shape[3] * settings.groups,
    ]
    var result = Twin(enlarged) { _ in 0 }
    let taps = ConvolutionTaps(images: enlarged, weight: weight.shape, settings: settings)
    precondition(taps.result == images.shape)
    taps.forEach { result.values[$0] += images.values[$2] * weight.values[$1] }
    return result
  }

  static func + (a: Twin, b: Twin?) -> Twin { b.map { Twin.zip(a, $0, +) } ?? a }
}
