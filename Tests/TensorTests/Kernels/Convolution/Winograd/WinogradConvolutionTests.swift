import XCTest

@testable import Tensor

/// Winograd's convolution against the direct one, which has a plain twin of its own.
final class WinogradConvolutionTests: XCTestCase {
  /// The 3x3 convolutions of ResNet-18 and -50, both divisions of the work, sizes that are no
  /// multiple of the tile: at most 1e-4 of the root mean square, gradients too.
  func testRealSizes() {
    let cases = [
      (8, 32, 64, 64), (8, 16, 128, 128), (4, 8, 256, 256), (16, 4, 512, 512), (1, 56, 64, 64),
      (1, 28, 128, 128), (2, 14, 256, 256), (8, 7, 512, 512), (3, 9, 24, 40),
      (32, 24, 64, 64), (32, 12, 128, 128), (32, 6, 256, 256), (32, 3, 512, 512), (8, 9, 64, 64),
      (2, 48, 64, 64), (1, 112, 32, 64), (16, 14, 128, 128), (8, 14, 512, 512),
    ]
    for (count, size, inputs, outputs) in cases {
      for threads in [1, 2] {
        check([count, size, size, inputs], outputs: outputs, padding: 1, threads: threads)
      }
    }
  }

  /// Those of stride 2.
  func testRealSizesOfStrideTwo() {
    let cases = [
      (8, 32, 64, 128), (16, 16, 128, 256), (64, 8, 256, 512), (2, 56, 128, 128), (8, 28, 256, 256),
      (24, 14, 512, 512), (12, 15, 24, 40), (32, 12, 128, 256), (64, 6, 256, 512),
    ]
    for (count, size, inputs, outputs) in cases {
      for threads in [1, 2] {
        check(
          [count, size, size, inputs], outputs: outputs, stride: 2, padding: 1, threads: threads)
      }
    }
  }

  func testPaddingsAndOblongImages() {
    for padding in 0...2 {
      check([20, 11, 17, 8], outputs: 16, padding: padding, threads: 2)
      check([8, 28, 13, 16], outputs: 8, padding: padding, threads: 1)
      check([20, 11, 6, 8], outputs: 16, padding: padding, threads: 2)
      check([25, 5, 18, 16], outputs: 8, padding: padding, threads: 1)
      check([40, 31, 14, 8], outputs: 16, stride: 2, padding: padding, threads: 2)
      check([40, 13, 31, 16], outputs: 8, stride: 2, padding: padding, threads: 1)
      check([40, 11, 10, 24], outputs: 40, stride: 2, padding: 1, threads: 2)
    }
  }

  /// Every scheme, and borders.
  func testEveryISA() {
    forEachISA { _ in
      check([20, 11, 17, 24], outputs: 40, padding: 1, threads: 2)
      check([8, 24, 24, 24], outputs: 72, padding: 1, threads: 2)
      check([40, 3, 3, 24], outputs: 40, padding: 1, threads: 2)
      check([10, 15, 10, 24], outputs: 40, padding: 1, threads: 2)
      check([40, 13, 31, 24], outputs: 40, stride: 2, padding: 1, threads: 2)
      check([40, 11, 6, 24], outputs: 40, stride: 2, padding: 1, threads: 2)
    }
  }

  /// Pixels that are in no tile, and panels of which the last is narrow.
  func testUncoveredPixelsAndNarrowPanels() {
    check([40, 18, 34, 8], outputs: 16, stride: 2, padding: 0, threads: 2)
    check([8, 32, 32, 72], outputs: 136, padding: 1, threads: 2)
    check([16, 32, 32, 72], outputs: 136, stride: 2, padding: 1, threads: 2)
    let uncovered = ConvolutionGeometry(
      images: [40, 18, 34, 8], weight: [16, 3, 3, 8], stride: 2, padding: 0, dilation: 1, groups: 1)
    XCTAssertFalse(WinogradTiles(uncovered, .strideTwoOfFour).coversEveryPixel)
  }

  /// Products of each group, both divisions of the work, and a group of one panel's width.
  func testGroups() {
    for threads in [1, 2] {
      check([8, 16, 16, 64], outputs: 64, groups: 4, padding: 1, threads: threads)
      check([4, 14, 14, 48], outputs: 96, groups: 2, padding: 1, threads: threads)
      check([16, 6, 6, 256], outputs: 256, groups: 4, padding: 1, threads: threads)
      check([16, 16, 16, 64], outputs: 128, groups: 8, stride: 2, padding: 1, threads: threads)
      check([64, 8, 8, 256], outputs: 256, groups: 4, stride: 2, padding: 1, threads: threads)
    }
  }

  /// A gradient of images is added to that of another convolution where that is: by tiles, by points,
  /// and with pixels in no tile.
  func testGradientsAreAddedInPlace() {
    for (shape, outputs, stride, padding) in [
      ([8, 16, 16, 64], 64, 1, 1), ([16, 4, 4, 256], 256, 1, 1), ([40, 18, 34, 64], 64, 2, 0),
    ] as [(TensorShape, Int, Int, Int)] {
      checkAddition(shape, outputs, .float32, stride, padding, within: 1e-6)
      guard MatmulPrecision.hasBFloat16 else { continue }
      // The sum is rounded, or its first part.
      checkAddition(shape, outputs, .bfloat16, stride, padding, within: 1 / 256)
    }
  }

  private func checkAddition(
    _ shape: TensorShape, _ outputs: Int, _ format: NumberFormat, _ stride: Int, _ padding: Int,
    within tolerance: Float
  ) {
    var stream = RandomStream(seed: 83)
    let images = Tensor.normal(shape, using: &stream).inFormat(format).tracked
    let weight = Tensor.normal([outputs, 3, 3, shape[3]], using: &stream)
    let pointwise = Tensor.normal([shape[3], 1, 1, shape[3]], using: &stream)
    func gradient(_ loss: Tensor) -> Tensor { gradients(of: loss, at: [images])[0] }
    withMatmulPrecision(format == .bfloat16 ? .bfloat16 : .float32) {
      func first() -> Tensor {
        square(convolution(images, weight, stride: stride, padding: padding)).sum()
      }
      func second() -> Tensor { square(convolution(images, pointwise)).sum() }
      let (both, part) = (gradient(first() + second()), gradient(first()))
      let sum = part + gradient(second())
      XCTAssertEqual(both.format, format)
      XCTAssertLessThan(
        abs(both - sum).max().item, tolerance * (abs(sum).max() + abs(part).max()).item,
        "\(shape) \(format)")
    }
  }

  /// The multiplications of a tile, counted a second time: plane by plane, phase by phase.
  func testProductsOfATile() {
    XCTAssertEqual(WinogradScheme.ofFour.products, 36)
    XCTAssertEqual(WinogradScheme.ofThree.products, 25)
    XCTAssertEqual(WinogradScheme.ofFive.products, 49)
    XCTAssertEqual(WinogradScheme.ofSix.products, 64)
    XCTAssertEqual(WinogradScheme.strideTwoOfThree.products, 49)
    XCTAssertEqual(WinogradScheme.strideTwoOfFour.products, 81)
    var products = 0
    for row in 0..<5 {
      for column in 0..<5 {
        XCTAssertEqual(WinogradScheme.strideTwoOfFour.phasesBefore(row, column), products)
        products += (row == 4 ? 1 : 2) * (column == 4 ? 1 : 2)
      }
    }
    XCTAssertEqual(products, 81)
  }

  /// Which geometries the algorithm takes, and that both divisions of its work are tried above.
  func testWhatIsWinograd() {
    func geometry(
      _ images: TensorShape, _ weight: TensorShape, stride: Size2D = 1, groups: Int = 1
    ) -> ConvolutionGeometry {
      ConvolutionGeometry(
        images: images, weight: weight, stride: stride, padding: 1, dilation: 1, groups: groups)
    }
    func winograd(_ geometry: ConvolutionGeometry) -> WinogradConvolution? {
      WinogradConvolution(geometry, .float32, isRecorded: true)
    }
    let wide = winograd(geometry([16, 32, 32, 64], [64, 3, 3, 64]))
    let deep = winograd(geometry([16, 4, 4, 512], [512, 3, 3, 512]))
    XCTAssertEqual(wide?.tiles.scheme.extent, 4)
    XCTAssertEqual(wide?.tiles.parallelizesOverPoints, false)
    XCTAssertEqual(deep?.tiles.parallelizesOverPoints, true)
    XCTAssertNil(winograd(geometry([2, 32, 32, 3], [64, 3, 3, 3])))

    // Tiles of 6x6 where they fit: 16 of them instead of 36, and 1 instead of 4.
    let wideOfSix = winograd(geometry([32, 24, 24, 64], [64, 3, 3, 64]))
    let deepOfSix = winograd(geometry([32, 6, 6, 256], [256, 3, 3, 256]))
    XCTAssertEqual(wideOfSix?.tiles.scheme.extent, 6)
    XCTAssertEqual(wideOfSix?.tiles.parallelizesOverPoints, false)
    XCTAssertEqual(deepOfSix?.tiles.scheme.extent, 6)
    XCTAssertEqual(deepOfSix?.tiles.parallelizesOverPoints, true)

    // What no gradient is wanted of is rounded less.
    let unrecorded = WinogradConvolution(
      geometry([32, 24, 24, 64], [64, 3, 3, 64]), .float32, isRecorded: false)
    XCTAssertEqual(unrecorded?.tiles.scheme.extent, 4)

    // Nine tiles of 5x5 instead of sixteen of 4x4.
    let ofFive = winograd(geometry([32, 14, 14, 64], [64, 3, 3, 64]))
    let deepOfFive = winograd(geometry([8, 14, 14, 512], [512, 3, 3, 512]))
    XCTAssertEqual(ofFive?.tiles.scheme.extent, 5)
    XCTAssertEqual(ofFive?.tiles.parallelizesOverPoints, false)
    XCTAssertEqual(deepOfFive?.tiles.scheme.extent, 5)
    XCTAssertEqual(deepOfFive?.tiles.parallelizesOverPoints, true)

    // One tile of 3x3.
    let ofThree = winograd(geometry([32, 3, 3, 512], [512, 3, 3, 512]))
    XCTAssertEqual(ofThree?.tiles.scheme.extent, 3)
    XCTAssertEqual(ofThree?.tiles.parallelizesOverPoints, true)

    let wideTwo = winograd(geometry([64, 32, 32, 64], [128, 3, 3, 64], stride: 2))
    let deepTwo = winograd(geometry([64, 8, 8, 256], [512, 3, 3, 256], stride: 2))
    XCTAssertEqual(wideTwo?.tiles.scheme.stride, 2)
    XCTAssertEqual(wideTwo?.tiles.parallelizesOverPoints, false)
    XCTAssertEqual(deepTwo?.tiles.parallelizesOverPoints, true)
    let twoOfThree = winograd(geometry([32, 12, 12, 128], [256, 3, 3, 128], stride: 2))
    XCTAssertEqual(twoOfThree?.tiles.scheme.extent, 3)
    // For so few tiles the kernels are not worth their transform.
    XCTAssertNil(winograd(geometry([8, 14, 14, 512], [512, 3, 3, 512], stride: 2)))
    XCTAssertNil(winograd(geometry([2, 12, 12, 64], [64, 3, 3, 64], stride: 2)))
    // A tile of 3x3 would cover these 2x2 results with more multiplications than are saved.
    XCTAssertNil(winograd(geometry([640, 4, 4, 64], [64, 3, 3, 64], stride: 2)))
    // A group has one panel, and vectors of its own.
    XCTAssertNotNil(winograd(geometry([2, 32, 32, 128], [128, 3, 3, 64], groups: 2)))
    XCTAssertNil(winograd(geometry([2, 32, 32, 144], [144, 3, 3, 72], groups: 2)))
    XCTAssertNil(winograd(geometry([2, 32, 32, 32], [32, 3, 3, 4], groups: 8)))
    let uneven = Size2D(height: 1, width: 2)
    XCTAssertNil(winograd(geometry([2, 32, 32, 64], [64, 3, 3, 64], stride: uneven)))
  }

  private func check(
    _ shape: TensorShape, outputs: Int, groups: Int = 1, stride: Size2D = 1, padding: Int,
    threads: Int
  ) {
    var stream = RandomStream(seed: UInt64(shape.elementCount))
    let images = Tensor.normal(shape, using: &stream)
    let inputs = shape[3] / groups
    let fan = Float(9 * inputs)
    let weight = Tensor.normal(
      [outputs, 3, 3, inputs], standardDeviation: 1 / fan.squareRoot(), using: &stream)
    let around = Size2D(padding)
    let geometry = ConvolutionGeometry(
      images: shape, weight: weight.shape, stride: stride, padding: around, dilation: 1,
      groups: groups)
    XCTAssertNotNil(
      WinogradConvolution(geometry, .float32, isRecorded: true), "\(shape), padding \(padding)")
    let size = geometry.resultShape
    let gradient = Tensor.normal(size, using: &stream)
    func all(_ algorithm: ConvolutionAlgorithm) -> [Tensor] {
      withConvolutionAlgorithm(algorithm) {
        let result = convolution(
          images.tracked, weight.tracked, stride: stride, padding: around, groups: groups)
        return [result.detached] + result.inputGradients(gradient).compactMap { $0 }
      }
    }
    // OpenBLAS adds up several sums side by side. A plain BLAS adds up the 128 terms of a product one
    // by one, within 128 · 2⁻²⁴ of Σ|a||b|: √terms · 2/π in units of the root mean square.
    let isPlain = BLAS.coreSelection.after == "unknown"
    let bound = isPlain ? 128 / 16_777_216 * fan.squareRoot() * 2 / Float.pi : 0
    let (fast, direct) = Threads.with(threads) { (all(.automatic), all(.direct)) }
    XCTAssertEqual(fast.count, 3)
    for (name, pair) in zip(["value", "image gradient", "weight gradient"], zip(fast, direct)) {
      let error = abs(pair.0 - pair.1).max().item / sqrt(square(pair.1).mean()).item
      XCTAssertLessThan(
        error, max(1e-4, bound),
        "\(name) of \(shape) to \(outputs), stride \(stride), padding \(padding), \(groups) "
          + "groups, \(threads) threads"
      )
    }
  }
}
