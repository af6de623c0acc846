import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class SimCLRTests: XCTestCase {
  private func views(_ count: Int = 6, size: Size2D = 16, channels: Int = 3) -> ViewPair {
    let make = { Formula.images("simclr", view: $0, count, size: size, channels: channels) }
    return ViewPair(first: make(1), second: make(2))
  }

  func testLossIsThatOfTheProjections() {
    let learner = SimCLR.small(PlainCNN(), temperature: 0.2)
    learner.eval()
    let views = views()
    let rows = [views.first, views.second].map { learner.represent($0).projection.rows }
    XCTAssertEqual(
      Double(learner.loss(views).item), ContrastTwin.ntXent(rows[0], rows[1], temperature: 0.2),
      accuracy: 1e-5)
    let decoupled = SimCLR.small(PlainCNN(), temperature: 0.2, isDecoupled: true)
    decoupled.eval()
    let others = [views.first, views.second].map { decoupled.represent($0).projection.rows }
    XCTAssertEqual(
      Double(decoupled.loss(views).item),
      ContrastTwin.ntXent(others[0], others[1], temperature: 0.2, isDecoupled: true),
      accuracy: 1e-5)
  }

  func testEveryHeadAndBatchingTrainsAllThatItUses() {
    for head in [SimCLRMethod.Head.twoLayer, .threeLayer, .plain] {
      for batching in [ViewBatching.separate, .joint] {
        let net = PlainCNN()
        let learner = SimCLR.small(net, head: head, viewBatching: batching)
        let loss = learner.loss(views())
        XCTAssertTrue((0...(logf(11) + 4)).contains(loss.item))
        loss.backward()
        for parameter in learner.parameters where parameter.isTrainable {
          XCTAssertEqual(
            parameter.gradient == nil, net.fc.parameters.contains { $0 === parameter })
        }
      }
    }
  }

  func testAnyCountsInOneRun() {
    let learner = SimCLR.small(PlainCNN())
    for count in [6, 3, 2, 9] {
      let (views, loss) = (views(count), learner.stepLoss(of: views(count)))
      let rows = [views.first, views.second].map { learner.project($0).rows }
      XCTAssertEqual(
        Double(loss.item), ContrastTwin.ntXent(rows[0], rows[1], temperature: 0.5), accuracy: 1e-4)
      XCTAssertEqual(loss.metrics["negatives_per_anchor"], Float(2 * count - 2))
      learner.endStep(loss)
    }
  }

  func testDefaultsAreThePublishedOnes() {
    let learner = SimCLR(PlainCNN(), imageSize: 16, hiddenLayer: "pool", seed: 1)
    XCTAssertEqual(learner.method.temperature, 0.5)
    XCTAssertEqual(learner.projector.parameters.map(\.shape)[0], [8, 8])
    XCTAssertEqual(learner.represent(views().first).projection.shape, [6, 128])
    XCTAssertEqual(learner.method.negativesPerAnchor(imageCount: 200), 398)
    XCTAssertEqual(learner.stepLoss(of: views()).metrics["negatives_per_anchor"], 10)
    XCTAssertEqual(learner.namedParts.map(\.name), ["net", "projector"])
  }

  func testViewsComeFromTheSeed() {
    let images = views().first
    let losses = (0..<2).map { _ in SimCLR.small(frozenNet())(images).item }
    XCTAssertEqual(losses[0], losses[1])
    let learner = SimCLR.small(frozenNet())
    XCTAssertNotEqual(learner(images).item, learner(images).item)
  }

  private func frozenNet() -> PlainCNN {
    let net = withRandomSeed(3) { PlainCNN() }
    net.eval()
    return net
  }

  func testGreyscaleVectorsAndImagesThatAreNotSquare() {
    /// The loss is that of the projections of the views that were drawn.
    func check(_ learner: SimCLR, _ inputs: Tensor) {
      let drawn = learner.views(of: inputs)
      XCTAssertEqual(drawn.first.shape, inputs.shape)
      let rows = [drawn.first, drawn.second].map { learner.project($0).rows }
      XCTAssertEqual(
        Double(learner(inputs).item), ContrastTwin.ntXent(rows[0], rows[1], temperature: 0.5),
        accuracy: 1e-4)
    }
    check(SimCLR.small(PlainCNN(channels: 1)), views(channels: 1).first)
    check(
      SimCLR.small(PlainCNN(), imageSize: [16, 24], hiddenLayer: "conv2"),
      views(size: [16, 24]).first)
    let vectors = SimCLR(
      MLP([20, 32, 10], batchNorm: true), inputShape: [20], projectionSize: 8,
      augmentation: IdentityAugmentation(), secondAugmentation: IdentityAugmentation())
    check(vectors, Tensor(Formula.centred("row1", 160), shape: [8, 20]))
  }

  /// Two kinds of image that both views keep are told apart within a few steps.
  func testLossFallsAndSpreadStays() {
    let learner = SimCLR.small(withRandomSeed(2) { PlainCNN() }, temperature: 0.5)
    let optimizer = Adam(learner.parameters, learningRate: 3e-3)
    var deviation = Float.nan
    let losses = (0..<60).map { step in
      let loss = learner.stepLoss(
        of: ViewPair(
          first: Formula.images("fall\(step)", view: 1, 16, size: 16),
          second: Formula.images("fall\(step)", view: 2, 16, size: 16)))
      optimizer.zeroGradients()
      loss.backward()
      optimizer.step()
      deviation = loss.statistics.projectionStd
      return loss.item
    }
    let (before, after) = (losses[..<5].reduce(0, +) / 5, losses.suffix(5).reduce(0, +) / 5)
    XCTAssertLessThan(after, before - 0.1)
    XCTAssertGreaterThan(deviation, 0.3)
  }

  func testStateRoundTrip() throws {
    let (one, other) = (SimCLR.small(PlainCNN()), SimCLR.small(PlainCNN()))
    _ = one.loss(views())
    other.stream = RandomStream(seed: 99)
    try other.load(one.state)
    XCTAssertEqual(bits(of: other.net, other.projector), bits(of: one.net, one.projector))
    XCTAssertEqual(other.stream, one.stream)
  }
}
