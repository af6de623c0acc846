import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class TargetNetworkTests: XCTestCase {
  private let images = Formula.images("target", view: 1, 4, size: 16)

  func testMovesByItsShareOfTheWayInEveryLeaf() throws {
    let net = PlainCNN()
    let target = TargetNetwork(["net": net])
    let before = target.values
    for parameter in net.parameters { parameter.value = (parameter.value * 2 + 1).detached }
    target.update(decay: 0.75)
    XCTAssertEqual(target.values.count, 8)
    for ((old, new), parameter) in zip(zip(before, target.values), net.parameters) {
      let online = parameter.value.scalars
      for ((old, new), online) in zip(zip(old.scalars, new.scalars), online) {
        XCTAssertEqual(new, old + 0.25 * (online - old))
        XCTAssertNotEqual(new, old)
      }
    }
  }

  func testRunsWithItsOwnNumbersAndLeavesTheNetworks() throws {
    let net = PlainCNN()
    net.eval()
    let target = TargetNetwork(["net": net])
    let first = net(images).scalars
    for parameter in net.parameters { parameter.value = (parameter.value * 2).detached }
    let (second, online) = (net(images).scalars, bits(of: net))
    let output = target.withTargetWeights { net(images) }
    XCTAssertEqual(output.scalars, first)
    XCTAssertNotEqual(output.scalars, second)
    XCTAssertFalse(output.isTracked)
    XCTAssertEqual(bits(of: net), online)
  }

  func testKeepsItsOwnRunningStatistics() {
    let net = PlainCNN()
    let target = TargetNetwork(["net": net])
    let fresh = net.norm.runningMean.value.scalars
    _ = target.withTargetWeights { net(images) }
    XCTAssertEqual(net.norm.runningMean.value.scalars, fresh)
    XCTAssertNotEqual(target.withTargetWeights { net.norm.runningMean.value.scalars }, fresh)
    XCTAssertEqual(target.withTargetWeights { net.norm.batchCount.value.item }, 1)
    target.reset()
    XCTAssertEqual(target.withTargetWeights { net.norm.batchCount.value.item }, 0)
  }

  /// Running statistics follow as parameters do, and are what the target normalises by.
  func testMovingAverageOfRunningStatistics() {
    let net = PlainCNN()
    let target = TargetNetwork(["net": net], norm: .movingAverage)
    let before = net.norm.runningMean.value.scalars
    _ = net(images)
    let online = net.norm.runningMean.value.scalars
    target.update(decay: 0.75)
    let between = zip(before, online).map { $0 + 0.25 * ($1 - $0) }
    XCTAssertNotEqual(online, before)
    XCTAssertEqual(target.withTargetWeights { net.norm.runningMean.value.scalars }, between)
    XCTAssertEqual(target.withTargetWeights { net.norm.batchCount.value.item }, 1)
    // An image's target does not depend on the rest of its batch, and leaves no trace. Batches of
    // one size, for products of other sizes may add up in another order.
    let others = concatenated([images[0..<1], images[1..<4] * 0.5])
    XCTAssertEqual(
      target.withTargetWeights { net(images)[0..<1].scalars },
      target.withTargetWeights { net(others)[0..<1].scalars })
    XCTAssertNotEqual(
      target.withTargetWeights { net(images)[1..<2].scalars },
      target.withTargetWeights { net(others)[1..<2].scalars })
    XCTAssertEqual(target.withTargetWeights { net.norm.runningMean.value.scalars }, between)
    XCTAssertEqual(net.norm.mode, .training)
  }

  func testLearnersHandTheNormOn() {
    let views = (images, images.flipped([2]))
    for norm in [TargetNorm.batch, .movingAverage] {
      let byol = BYOL(
        PlainCNN(), imageSize: 16, hiddenLayer: "pool", targetNorm: norm, seed: 1)
      let moco = MoCo(
        PlainCNN(), imageSize: 16, hiddenLayer: "pool", queueSize: 8, targetNorm: norm, seed: 1)
      let pixels = PixelCL(
        PlainCNN(), imageSize: 16, hiddenLayerPixel: "conv2", hiddenLayer: "pool",
        targetNorm: norm, seed: 1)
      XCTAssertEqual(
        [byol.parts.target?.norm, moco.parts.target.norm, pixels.parts.target.norm],
        [norm, norm, norm])
      byol.loss(views.0, views.1).backward()
      XCTAssertTrue(byol.parameters.contains { $0.gradient != nil })
    }
  }

  func testNumbersComeBackAfterAnError() {
    struct Failure: Error {}
    let net = PlainCNN()
    let target = TargetNetwork(["net": net])
    for parameter in net.parameters { parameter.value = (parameter.value * 2).detached }
    let online = bits(of: net)
    XCTAssertThrowsError(try target.withTargetWeights { throw Failure() })
    XCTAssertEqual(bits(of: net), online)
  }

  func testStepsThatCannotBe() throws {
    let target = TargetNetwork(["net": PlainCNN()])
    for note in ["\(Int.max)", "-1", "\(Int.min)", "1.5", "two", "", "1099511627777"] {
      var state = target.state
      state.metadata["step"] = note
      XCTAssertThrowsError(try target.load(state)) {
        XCTAssertEqual(
          "\($0)",
          "the state does not fit: it has impossible numbers: step needs a number in 0...2^40, got "
            + note)
      }
    }
    var state = target.state
    state.metadata["step"] = "1099511627776"
    try target.load(state)
    target.update()
    XCTAssertEqual(target.step, 1_099_511_627_777)
  }

  /// 1 - (1 - start) · (cos(π · step / steps) + 1) / 2
  func testCosineScheduleOfTheDecay() {
    let decay = MovingAverageDecay.cosine(from: 0.996, steps: 100)
    for (step, value) in [(0, 0.996), (50, 0.998), (100, 1), (1_000, 1)] {
      XCTAssertEqual(decay.value(at: step), Float(value), accuracy: 1e-7)
    }
    XCTAssertEqual((0.99 as MovingAverageDecay).value(at: 12), 0.99)
  }
}
