import Tensor
import TestSupport
import XCTest

@testable import Nets

final class NormalizationsTests: XCTestCase {
  /// torch 2.15:
  ///
  ///     bn = torch.nn.BatchNorm2d(2); x = torch.arange(16.).reshape(2, 2, 2, 2) / 4
  ///     for _ in range(3): bn(x)
  ///     bn.running_mean, bn.running_var, bn.num_batches_tracked
  func testRunningStatistics() {
    let norm = BatchNorm(2)
    let x = Tensor((0..<16).map { Float($0) / 4 }, shape: [2, 2, 2, 2]).permuted([0, 2, 3, 1])
    for _ in 0..<3 { _ = norm(x) }
    XCTAssertLessThan(largestError(norm.runningMean.value.scalars, [0.372625, 0.643625]), 1e-6)
    XCTAssertLessThan(
      largestError(norm.runningVariance.value.scalars, [1.0629107, 1.0629107]), 1e-6)
    XCTAssertEqual(norm.batchCount.value.item, 3)
  }

  /// Parts of a batch are normalised, and move the running statistics, as if they came one by one.
  func testPartsOfABatch() {
    let x = Tensor(Formula.centred("parts", 6 * 4 * 3), shape: [6, 2, 2, 3])
    let (apart, together) = (BatchNorm(3), BatchNorm(3))
    let expected = concatenated((0..<3).map { apart(x[2 * $0..<2 * $0 + 2]) })
    let found = withGhostBatchNorm(parts: 3) { together(x) }
    XCTAssertLessThan(largestError(found.scalars, expected.scalars), 1e-6)
    for (one, other) in zip(together.buffers, apart.buffers) {
      XCTAssertLessThan(largestError(one.value.scalars, other.value.scalars), 1e-7)
    }
    XCTAssertEqual(together.batchCount.value.item, 3)
    XCTAssertGreaterThan(largestError(together(x).scalars, expected.scalars), 0.1)
  }

  func testEvaluationUsesAndKeepsRunningStatistics() {
    let norm = BatchNorm(1)
    norm.runningMean.value = Tensor([3])
    norm.runningVariance.value = Tensor([4])
    norm.eval()
    XCTAssertEqual(norm(Tensor([5], shape: [1, 1])).item, 1, accuracy: 1e-5)
    XCTAssertEqual(norm.runningMean.value.item, 3)
    XCTAssertEqual(norm.batchCount.value.item, 0)
  }

  func testFrozenNormIgnoresTrain() {
    let norm = BatchNorm(1)
    norm.isFrozen = true
    norm.train()
    let x = Tensor([5, 7], shape: [2, 1])
    XCTAssertLessThan(largestError(norm(x).scalars, [5, 7]), 1e-5)
    XCTAssertEqual(norm.runningMean.value.item, 0)
    // Its scale and bias are trained all the same.
    norm(x).sum().backward()
    XCTAssertNotNil(norm.scale?.gradient)
  }

  func testVectorsAndMapsAreTheSameToBatchNorm() {
    let x = Tensor(Formula.centred("norm", 24), shape: [8, 3])
    let (flat, map) = (BatchNorm(3), BatchNorm(3))
    XCTAssertEqual(flat(x).scalars, map(x.reshaped([2, 2, 2, 3])).scalars)
    XCTAssertEqual(BatchNorm(3, affine: false).parameters.count, 0)
    XCTAssertEqual(BatchNorm(3, affine: false)(x).scalars, flat(x).scalars)
  }

  /// torch 2.15: torch.nn.GroupNorm(2, 4)(torch.arange(16.).reshape(1, 4, 2, 2) ** 1.5)[0, 0]
  func testGroupNorm() {
    let x = Tensor((0..<16).map { Float($0) * Float($0).squareRoot() }, shape: [1, 4, 2, 2])
    let y = GroupNorm(groups: 2, 4)(x.permuted([0, 2, 3, 1])).permuted([0, 3, 1, 2])
    let expected: [Float] = [-1.2286084, -1.0685867, -0.7759989, -0.3971117]
    XCTAssertLessThan(largestError(Array(y.scalars[..<4]), expected), 1e-6)
  }

  func testFusionEqualsItsParts() {
    let x = Tensor(Formula.centred("x", 2 * 9 * 4), shape: [2, 3, 3, 4])
    let residual = Tensor(Formula.centred("residual", 2 * 9 * 4), shape: [2, 3, 3, 4])
    for norm: any FusableNorm in [BatchNorm(4), GroupNorm(groups: 2, 4)] {
      let fused = norm(x, adding: residual, then: ReLU())
      XCTAssertLessThan(largestError(fused.scalars, relu(norm(x) + residual).scalars), 1e-6)
      XCTAssertLessThan(
        largestError(norm(x, then: ReLU()).scalars, relu(norm(x)).scalars), 1e-6)
    }
  }

  /// One image stops a learner only where some batch norm would take its statistics from the batch.
  func testWhichNetworksUseBatchStatistics() {
    let norm = BatchNorm(4)
    let net = Sequential {
      Linear(3, 4)
      norm
      Dropout()
    }
    XCTAssertTrue(net.usesBatchStatistics)
    norm.isFrozen = true
    XCTAssertFalse(net.usesBatchStatistics)
    norm.isFrozen = false
    net.eval()
    XCTAssertFalse(net.usesBatchStatistics)
    net.train()
    XCTAssertTrue(net.usesBatchStatistics)
    XCTAssertFalse(MLP([3, 4, 2]).usesBatchStatistics)
  }
}
