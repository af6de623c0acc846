import CTensorKernels
import XCTest

@testable import Tensor

final class NormalizationLoopsTests: XCTestCase {
  private let processors = [TensorAVX512, TensorAVX2, TensorAnyProcessor]

  override func tearDown() { tensorLimitProcessor(TensorAVX512) }

  /// What every kind of processor runs, for channels that fill several vectors, one, and a part of one.
  func testEveryProcessor() {
    for processor in processors {
      tensorLimitProcessor(processor)
      for channels in [2, 8, 14, 32, 46] {
        for row in OperationTable.normalization where !row.name.hasPrefix("layerNorm") {
          guard !row.variant.hasSuffix("4 groups") else { continue }
          let shapes = row.shapes[0].map { $0.count > 1 ? [10, 5, channels] : [channels] }
          XCTAssertEqual(row.failuresAlongDirection(on: shapes), [], "\(processor)")
        }
      }
    }
  }

  /// Without a residual it is the input that says what a ReLU let through: exactly what the output says, for
  /// values whose normal form is nothing but rounding too.
  func testGateOfTheInputIsThatOfTheOutput() {
    let channels = 13
    var stream = RandomStream(seed: 501)
    let mean = Tensor.normal([channels], using: &stream) * 100
    let (scale, bias) = (Tensor.normal([channels], using: &stream), Tensor.zeros([channels]))
    let normal = Tensor.normal([200, channels], using: &stream)
    let tiny = 700 * Float.leastNonzeroMagnitude
    let odd = Tensor([-0.0, 0] + [Float](repeating: tiny, count: channels - 2))
    let x = concatenated([
      mean.broadcast(to: [50, channels]), normal, odd.reshaped([1, channels]),
    ]).tracked
    for processor in processors {
      tensorLimitProcessor(processor)
      let y = batchNorm(
        x, mean: mean, variance: Tensor.ones([channels]), scale: scale, bias: bias,
        activation: .relu)
      let passed = gradients(of: y.sum(), at: [x])[0]
      for index in 0..<y.elementCount {
        XCTAssertEqual(
          passed.scalars[index] != 0, y.scalars[index] > 0, "\(index), \(processor)")
      }
    }
  }

  /// Nothing to normalise stays nothing.
  func testNoChannels() {
    let none = Tensor.zeros([0])
    XCTAssertEqual(batchNorm(Tensor.zeros([4, 0]), mean: none, variance: none).shape, [4, 0])
  }
}
