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
