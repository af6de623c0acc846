import CTensorKernels
import XCTest

@testable import Tensor

final class NormalizationLoopsTests: XCTestCase {
  /// What every kind of processor runs, for channels that fill several vectors, one, and a part of one.
  func testEveryProcessor() {
    defer { tensorLimitProcessor(TensorAVX512) }
    for processor in [TensorAVX512, TensorAVX2, TensorAnyProcessor] {
      tensorLimitProcessor(processor)
      for channels in [3, 8, 13, 32, 45] {
        for row in OperationTable.normalization where row.name.hasPrefix("batchNorm") {
          let shapes = row.shapes[0].map { $0.count > 1 ? [9, 2, channels] : [channels] }
          XCTAssertEqual(row.failuresAlongDirection(on: shapes), [], "\(processor)")
        }
      }
    }
  }

  /// Without a residual the input alone says what a ReLU let through: as the output does.
  func testMaskOfInputIsThatOfOutput() {
    var stream = RandomStream(seed: 501)
    let x = Tensor.normal([400, 37], using: &stream).tracked
    let scale = Tensor.normal([37], using: &stream)
    let zeros = Tensor.zeros([400, 37])
    let weights = Tensor.normal([400, 37], using: &stream)
    let found = [nil, zeros].map { residual in
      let y = batchNorm(x, scale: scale, activation: .relu, residual: residual).output
      return gradients(of: (y * weights).sum(), at: [x])[0].scalars
    }
    XCTAssertEqual(found[0], found[1])
  }
}
