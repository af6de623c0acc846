import Tensor
import XCTest

/// Random geometries against plain loops over every multiplication, gradients included.
final class ConvolutionGeometryTests: XCTestCase {
  private let tolerance = 1e-5

  func testConvolutions() {
    var stream = RandomStream(seed: 101)
    for number in 0..<1_000 {
      let (images, weight, settings) = stream.convolution()
      check(images, weight, settings, threads: 1 + number % 2, using: &stream)
    }
  }

  func testTransposedConvolutions() {
    var stream = RandomStream(seed: 102)
    for number in 0..<500 {
      let (images, weight, settings) = stream.transposedConvolution()
      check(
        images, weight, settings, isTransposed: true, threads: 1 + number % 2, using: &stream)
    }
  }

  /// The kernels that networks are made of: 3x3 and 1x1 without dilation, over maps of any size.
  func testCommonKernels() {
    var stream = RandomStream(seed: 104)
    for number in 0..<300 {
      let (side, padding) = stream.choice([(3, 0), (3, 1), (3, 1), (3, 2), (1, 0)])
      let smallest = max(1, side - 2 * padding)
      let images = [
        stream.integer(in: 1..<4), smallest + stream.integer(in: 0..<14),
        smallest + stream.integer(in: 0..<14), stream.choice([1, 3, 8, 16, 19]),
      ]
      let weight = [stream.choice([1, 2, 7, 16, 17]), side, side, images[3]]
      let settings = ConvolutionSettings(
        stride: stream.choice([1, 1, 1, 2]), padding: Size2D(padding))
      check(images, weight, settings, threads: 1 + number % 2, using: &stream)
    }
  }

  /// Groups of few channels, which are computed together, and of more, by Winograd's algorithm or
  /// products of patches.
  func testGroups() {
    var stream = RandomStream(seed: 110)
    for number in 0..<200 {
      let groups = stream.choice([2, 3, 4, 8, 12])
      let (inputs, outputs) = (
        stream.choice([1, 2, 4, 5, 8, 16, 24]), stream.choice([1, 3, 4, 6, 8, 16, 24])
      )
      let settings = ConvolutionSettings(
        stride: stream.choice([1, 1, 2]), padding: stream.choice([0, 1, 1, 2]),
        dilation: stream.choice([1, 1, 1, 2]), groups: groups)
      let side = stream.choice([3, 3, 3, 1, 5])
      let images = [
        stream.integer(in: 1..<4), 9 + stream.integer(in: 0..<7), 9 + stream.integer(in: 0..<7),
        groups * inputs,
      ]
      check(
        images, [groups * outputs, side, side, inputs], settings, threads: 1 + number % 2,
        using: &stream)
    }
  }

  /// Images of few channels and results that fill vectors, as at the beginning of a network: every
  /// width of a block, all borders, several bands of rows.
  func testFewChannels() {
    var stream = RandomStream(seed: 111)
    for number in 0..<200 {
      let (kernel, padding) = (stream.size(in: 1..<8), stream.size(in: 0..<4))
      let settings = ConvolutionSettings(stride: stream.size(in: 1..<4), padding: padding)
      let images = [
        stream.integer(in: 1..<4),
        max(1, kernel.height - 2 * padding.height)
          + stream.integer(in: 0..<20),
        max(1, kernel.width - 2 * padding.width) + stream.integer(in: 0..<40),
        stream.choice([1, 2, 3, 3, 4, 7]),
      ]
      let outputs = stream.choice([16, 32, 48, 64, 112])
      check(
        images, [outputs, kernel.height, kernel.width, images[3]], settings,
        threads: 1 + number % 2, using: &stream)
    }
  }

  /// In either precision.
  func testFewChannelsBitsDoNotDependOnThreads() {
    var stream = RandomStream(seed: 112)
    let images = Tensor.normal([9, 40, 33, 3], using: &stream)
    let weight = Tensor.normal([32, 5, 5, 3], using: &stream)
    let precisions =
      MatmulPrecision.hasBFloat16 ? [MatmulPrecision.float32, .bfloat16] : [.float32]
    for precision in precisions {
      let results = (1...3).map { threads in
        Threads.with(threads) {
          withMatmulPrecision(precision) {
            let leaves = [images.tracked, weight.tracked]
            let result = convolution(leaves[0], leaves[1], stride: 2, padding: 2)
            let all = [result] + gradients(of: square(result).sum(), at: leaves)
            return all.map { $0.scalars.map(\.bitPattern) }
          }
        }
      }
      XCTAssertEqual(results[0], results[1])
      XCTAssertEqual(results[0], results[2])
    }
  }

  /// One kernel for each channel: all borders, strides and dilations, and the widths of kernels,
  /// maps and channels at which loops change.
  func testDepthwise() {
    var stream = RandomStream(seed: 107)
    for number in 0..<400 {
      let channels = stream.choice([2, 3, 7, 8, 9, 16, 31, 40, 67])
      let isCommon = number % 2 == 0
      let kernel = isCommon ? Size2D(stream.choice([3, 5])) : stream.size(in: 1..<7)
      let settings = ConvolutionSettings(
        stride: isCommon ? Size2D(stream.choice([1, 2])) : stream.size(in: 1..<4),
        padding: isCommon ? Size2D(kernel.height / 2) : stream.size(in: 0..<8),
        dilation: isCommon ? 1 : stream.size(in: 1..<4), groups: channels)
      let reach = Size2D(
        height: settings.dilation.height * (kernel.height - 1) + 1 - 2 * settings.padding.height,
        width: settings.dilation.width * (kernel.width - 1) + 1 - 2 * settings.padding.width)
      let images = [
        stream.integer(in: 1..<4), max(1, reach.height) + stream.integer(in: 0..<14),
        max(1, reach.width) + stream.integer(in: 0..<14), channels,
      ]
      check(
        images, [channels, kernel.height, kernel.width, 1], settings, threads: 1 + number % 3,
        using: &stream)
    }
  }

  func testTransposedDepthwise() {
    var stream = RandomStream(seed: 108)
    for number in 0..<60 {
      let (channels, kernel) = (stream.choice([2, 8, 21]), stream.choice([2, 3, 5]))
      check(
        [2, stream.integer(in: 1..<9), stream.integer(in: 1..<9), channels],
        [channels, kernel, kernel, 1],
        .init(stride: stream.choice([1, 2]), padding: Size2D(kernel / 2), groups: channels),
        isTransposed: true, threads: 1 + number % 2, using: &stream)
    }
  }

  /// Rows in several parts whose sums are added up, the same ones for any number of threads.
  func testDepthwiseBitsDoNotDependOnThreads() {
    var stream = RandomStream(seed: 109)
    let images = Tensor.normal([5, 40, 33, 70], using: &stream)
    for (kernel, stride) in [(3, 1), (5, 2)] {
      let weight = Tensor.normal([70, kernel, kernel, 1], using: &stream)
      let settings = ConvolutionSettings(
        stride: Size2D(stride), padding: Size2D(kernel / 2), groups: 70)
      let results = (1...3).map { threads in
        Threads.with(threads) {
          let leaves = [images.tracked, weight.tracked]
          let result = Tensor.convolved(leaves, settings)
          let all = [result] + gradients(of: square(result).sum(), at: leaves)
          return all.map { $0.scalars.map(\.bitPattern) }
        }
      }
      XCTAssertEqual(results[0], results[1])
      XCTAssertEqual(results[0], results[2])
    }
  }

  /// Several blocks for each thread, and patches longer than a block is meant for.
  func testManyBlocks() {
    var stream = RandomStream(seed: 103)
    for threads in [1, 2, 3] {
      check([3, 21, 22, 80], [2, 3, 3, 80], .init(padding: 1), threads: threads, using: &stream)
      check([2, 29, 30, 8], [6, 1, 1, 4], .init(groups: 2), threads: threads, using: &stream)
      check([70, 5, 4, 3], [4, 3, 3, 3], .init(stride: 2), threads: threads, using: &stream)
      check(
        [5, 9, 7, 12], [12, 3, 2, 6], .init(stride: [2, 1], groups: 1), isTransposed: true,
        threads: threads, using: &stream)
    }
  }

  /// More outputs than 128 for each thread and few rows: the weight's gradient is made by outputs.
  func testLargeWeightsOfFewRows() {
    var stream = RandomStream(seed: 105)
    for threads in [1, 2, 3] {
      let outputs = 128 * threads + 5
      for (images, kernel, settings) in [
        ([2, 5, 4, 6], [1, 1, 6], ConvolutionSettings()),
        ([2, 5, 4, 6], [1, 1, 6], ConvolutionSettings(stride: 2)),
        (
          [2, 6, 7, 4], [3, 2, 4],
          ConvolutionSettings(stride: [2, 1], padding: [2, 0], dilation: [1, 2])
        ),
        ([3, 4, 9, 5], [1, 3, 5], ConvolutionSettings(padding: [0, 1])),
      ] {
        check(images, [outputs] + kernel, settings, threads: threads, using: &stream)
      }
      check(
        [2, 3, 3, outputs], [outputs, 2, 2, 3], .init(stride: 2), isTransposed: true,
        threads: threads, using: &stream)
    }
  }

  /// Without images the weight's gradient is zero, in memory that had other numbers too.
  func testNoImages() {
    let depthwise = Tensor.ones([2, 3, 3, 1]).tracked
    let empty = Tensor.convolved([.zeros([0, 5, 5, 2]), depthwise], .init(groups: 2))
    XCTAssertEqual(
      gradients(of: empty.sum(), at: [depthwise])[0].scalars, .init(repeating: 0, count: 18))
    for outputs in [3, 300] {
      for _ in 0..<4 {
        let used = Tensor.ones([outputs, 3, 3, 2])
        XCTAssertEqual(used[0].sum().item, 18)
        let weight = used.tracked
        let result = Tensor.convolved([.zeros([0, 5, 5, 2]), weight], .init())
        let gradient = gradients(of: result.sum(), at: [weight])[0]
        XCTAssertTrue(gradient.scalars.allSatisfy { $0 == 0 }, "\(outputs) outputs")
      }
    }
  }

  /// Lines of patches of all lengths that are copied without a call, and of those around them.
  func testShortPatchLines() {
    var stream = RandomStream(seed: 106)
    for length in [1, 3, 4, 5, 7, 8, 9, 31, 32, 33] {
      check(
        [2, 3, 6, length], [2, 2, 1, length], .init(padding: [1, 0]), threads: 1, using: &stream)
    }
  }

  private func check(
    _ imageShape: [Int], _ weightShape: [Int], _ settings: ConvolutionSettings,
    isTransposed: Bool = false, threads: Int, using stream: inout RandomStream
  ) {
    let images = Tensor.normal(TensorShape(imageShape), using: &stream)
    let weight = Tensor.normal(TensorShape(weightShape), using: &stream)
    let leaves = [images.tracked, weight.tracked]
    let expected =
      isTransposed
      ? Twin.transposedConvolution(Twin(images), Twin(weight), settings)
      : Twin.convolution(Twin(images), Twin(weight), settings)
    let outputWeights = Tensor.normal(TensorShape(expected.shape), using: &stream)
    let (result, found) = Threads.with(threads) {
      let result =
        isTransposed
        ? Tensor.transposeConvolved(leaves, settings) : Tensor.convolved(leaves, settings)
      return (result, gradients(of: (result * outputWeights).sum(), at: leaves))
    }
    let derivatives = expectedGradients(
      Twin(images), Twin(weight), Twin(outputWeights), settings, isTransposed: isTransposed)
    let errors = [
      relativeError(result, expected), relativeError(found[0], derivatives.images),
      relativeError(found[1], derivatives.weight),
    ]
    XCTAssertLessThan(
      errors.max() ?? 0, tolerance,
      "\(isTransposed ? "transposed " : "")images \(imageShape), weight \(weightShape), \(settings), "
        + "\(threads) threads: value, image gradient and weight gradient are off by \(errors)")
  }

  /// Each product x · w · g of the loss gives w · g to the gradient of x, and x · g to that of
  /// w.
  private func expectedGradients(
    _ images: Twin, _ weight: Twin, _ gradient: Twin, _ settings: ConvolutionSettings,
    isTransposed: Bool
  ) -> (images: Twin, weight: Twin) {
    var (dImages, dWeight) = (images.map { _ in 0 }, weight.map { _ in 0 })
    ConvolutionTaps(
      images: isTransposed ? gradient.shape : images.shape, weight: weight.shape,
      settings: settings
    ).forEach { near, tap, far in
      let (image, result) = isTransposed ? (far, near) : (near, far)
      dImages.values[image] += weight.values[tap] * gradient.values[result]
      dWeight.values[tap] += images.values[image] * gradient.values[result]
    }
    return (dImages, dWeight)
  }
}
