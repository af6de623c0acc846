import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Barlow Twins and VICReg, which differ in their losses.
final class RedundancyReductionTests: XCTestCase {
  private func barlowTwins(_ net: any Module = PlainCNN()) -> BarlowTwins {
    BarlowTwins(
      net, imageSize: 16, hiddenLayer: "pool", projectionSize: 12, projectionHiddenSize: 16, seed: 1
    )
  }

  private func vicReg(_ net: any Module = PlainCNN()) -> VICReg {
    VICReg(
      net, imageSize: 16, hiddenLayer: "pool", projectionSize: 12, projectionHiddenSize: 16, seed: 1
    )
  }

  private let images = Formula.images("redundancy", view: 1, 6, size: 16)
  private let others = Formula.images("redundancy", view: 2, 6, size: 16)

  func testHeads() {
    XCTAssertEqual(
      Heads.barlowTwins(3, hidden: 4, outputs: 5).namedParameters.map(\.name),
      ["0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias", "6.weight"])
    let head = Heads.vicReg(3, hidden: 4, outputs: 5)
    XCTAssertEqual(
      head.namedParameters.map(\.name),
      [
        "0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias", "4.weight", "4.bias",
        "6.weight",
      ])
    XCTAssertEqual(head(.ones([2, 3])).shape, [2, 5])
  }

  func testEveryParameterBelowTheTapGetsAGradient() {
    func check<L: Learner>(_ learner: L) where L.Views == ViewPair {
      let net = learner.net as? PlainCNN
      let loss = learner.stepLoss(of: ViewPair(first: images, second: others))
      XCTAssertGreaterThan(loss.item, 0)
      loss.backward()
      for parameter in learner.parameters {
        XCTAssertEqual(
          parameter.gradient == nil, net?.fc.parameters.contains { $0 === parameter })
      }
      XCTAssertGreaterThan(loss.statistics.projectionStd, 0.05)
    }
    check(barlowTwins())
    check(vicReg())
  }

  func testLossIsThatOfTheProjections() {
    let net = ResNet.resNet10(stem: .small, width: 4)
    let barlow = BarlowTwins(
      net, imageSize: 16, hiddenLayer: "avgpool", projectionSize: 12, redundancyWeight: 0.1, seed: 1
    )
    XCTAssertEqual(
      barlow.loss(images, others).item,
      barlowTwinsLoss(barlow.project(images), barlow.project(others), redundancyWeight: 0.1).item)
    let weights = VICRegWeights(invariance: 1, variance: 2, covariance: 3)
    let vicReg = VICReg(
      net, imageSize: 16, hiddenLayer: "avgpool", projectionSize: 12, weights: weights, seed: 1)
    XCTAssertEqual(
      vicReg.loss(images, others).item,
      vicRegLoss(vicReg.project(images), vicReg.project(others), weights: weights).item)
  }

  func testGoOnBitForBitFromTheirState() throws {
    func check(_ first: some Learner, _ second: some Learner) throws {
      _ = first.losses(ofSteps: 2, on: images, learningRate: 0.01)
      try second.load(first.state)
      XCTAssertEqual(
        second.losses(ofSteps: 3, on: images, learningRate: 0.01),
        first.losses(ofSteps: 3, on: images, learningRate: 0.01))
    }
    try check(barlowTwins(), barlowTwins())
    try check(vicReg(), vicReg())
  }

  func testVectors() {
    let rows = (1...2).map { formula("row\($0)", [8, 20]) }
    func check<L: Learner>(_ learner: L) where L.Views == ViewPair {
      learner.loss(rows[0], rows[1]).backward()
      XCTAssertEqual(learner.represent(rows[0]).projection.shape, [8, 12])
    }
    func net() -> MLP { MLP([20, 32, 10], batchNorm: true) }
    check(
      BarlowTwins(
        net(), inputShape: [20], projectionSize: 12, augmentation: IdentityAugmentation(),
        secondAugmentation: IdentityAugmentation()))
    check(
      VICReg(
        net(), inputShape: [20], projectionSize: 12, augmentation: IdentityAugmentation(),
        secondAugmentation: IdentityAugmentation()))
  }
}
