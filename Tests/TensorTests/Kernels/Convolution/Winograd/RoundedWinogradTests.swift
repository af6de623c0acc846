import XCTest

@testable import Tensor

/// Winograd's convolutions in numbers of 16 bits, and direct ones of bfloat16, against direct ones of the
/// same numbers as floats.
final class RoundedWinogradTests: XCTestCase {
  override func setUpWithError() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
  }

  /// Tiles of 3x3: both divisions of the work, sizes that are no multiple of the tile, narrow panels,
  /// padding.
  func testTilesOfThree() {
    for (count, size, inputs, outputs) in [
      (8, 32, 64, 64), (8, 16, 128, 128), (2, 56, 64, 64), (32, 12, 128, 128), (16, 3, 512, 512),
      (16, 7, 512, 512), (4, 14, 256, 256), (8, 23, 80, 144), (16, 9, 64, 128),
    ] {
      check([count, size, size, inputs], outputs: outputs, extent: 3, most: 0.008)
    }
    for padding in [0, 2] {
      check([8, 26, 17, 64], outputs: 80, padding: padding, extent: 3, most: 0.008)
    }
  }

  func testTilesOfTwo() {
    for (count, size, inputs, outputs) in [
      (16, 4, 512, 512), (64, 4, 64, 96), (16, 10, 128, 64), (20, 2, 64, 64),
    ] {
      check([count, size, size, inputs], outputs: outputs, extent: 2, most: 0.0065)
    }
  }

  func testStrideTwo() {
    for (count, size, inputs, outputs) in [
      (32, 32, 64, 128), (16, 16, 128, 256), (4, 56, 128, 128), (16, 28, 256, 256),
      (24, 15, 80, 144),
    ] {
      check([count, size, size, inputs], outputs: outputs, stride: 2, extent: 3, most: 0.0065)
    }
    check([16, 26, 17, 64], outputs: 80, stride: 2, padding: 0, extent: 3, most: 0.0065)
  }

  /// Which convolutions have 16 bits.
  func testWhatIsRounded() {
    func format(inputs: Int, outputs: Int, stride: Size2D = 1) -> NumberFormat? {
      let geometry = ConvolutionGeometry(
        images: [64, 32, 32, inputs], weight: [outputs, 3, 3, inputs], stride: stride, padding: 1,
        dilation: 1, groups: 1)
      return WinogradConvolution(geometry, .bfloat16, isRecorded: true)?.tiles.scheme.format
    }
    XCTAssertEqual(format(inputs: 64, outputs: 64), .bfloat16)
    XCTAssertEqual(format(inputs: 64, outputs: 80), .bfloat16)
    XCTAssertEqual(format(inputs: 32, outputs: 64), .float32)
    XCTAssertEqual(format(inputs: 64, outputs: 72), .float32)
    XCTAssertEqual(format(inputs: 64, outputs: 64, stride: 2), .bfloat16)
    // Half of the multiplications in twice the time.
    XCTAssertNil(format(inputs: 32, outputs: 64, stride: 2))
  }

  /// Root mean squares of the differences, of those of numbers far from the border; 1 and 3 threads
  /// make the same bits.
  private func check(
    _ shape: TensorShape, outputs: Int, stride: Size2D = 1, padding: Int = 1, extent: Int,
    most: Float, line: UInt = #line
  ) {
    var stream = RandomStream(seed: UInt64(shape.elementCount))
    let images = Tensor.normal(shape, using: &stream).inFormat(.bfloat16)
    let weight = Tensor.normal([outputs, 3, 3, shape[3]], using: &stream)
    let geometry = ConvolutionGeometry(
      images: shape, weight: weight.shape, stride: stride, padding: Size2D(padding),
      dilation: 1, groups: 1)
    let gradient = Tensor.normal(geometry.resultShape, using: &stream).inFormat(.bfloat16)
    let winograd = WinogradConvolution(geometry, .bfloat16, isRecorded: true)
    XCTAssertEqual(winograd?.tiles.scheme.extent, extent, "\(shape)", line: line)
    XCTAssertEqual(winograd?.tiles.scheme.format, .bfloat16, "\(shape)", line: line)
    func all(_ precision: MatmulPrecision, _ algorithm: ConvolutionAlgorithm) -> [Tensor] {
      withMatmulPrecision(precision) {
        withConvolutionAlgorithm(algorithm) {
          let result = convolution(
            images.tracked, weight.tracked, stride: stride, padding: Size2D(padding))
          return [result.detached] + result.inputGradients(gradient).compactMap { $0 }
        }
      }
    }
    let (exact, direct) = (all(.float32, .direct), all(.bfloat16, .direct))
    let fast = Threads.with(1) { all(.bfloat16, .automatic) }
    XCTAssertEqual(
      fast.map(\.scalars), Threads.with(3) { all(.bfloat16, .automatic).map(\.scalars) },
      "\(shape)", line: line)
    // Sums of so many products of normal numbers, where all taps are in the image.
    let terms = [
      9 * shape[3], 9 * outputs / (stride.height * stride.width), geometry.rows,
    ]
    for (index, name) in ["value", "image gradient", "weight gradient"].enumerated() {
      func error(_ found: [Tensor]) -> Float {
        let difference = square(found[index] - exact[index]).mean().item
        return (difference / Float(terms[index])).squareRoot()
      }
      let name = "\(name) of \(shape) to \(outputs)"
      XCTAssertLessThan(error(fast), most, name, line: line)
      XCTAssertLessThan(error(direct), 0.0026, "direct \(name)", line: line)
    }
  }
}
