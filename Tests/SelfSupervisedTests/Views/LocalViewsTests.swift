import Images
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class LocalViewsTests: XCTestCase {
  private let images = Formula.images("local", view: 1, 6, size: 16)

  private func simCLR(
    _ localViews: LocalViews? = LocalViews(count: 3, size: 8), _ batching: ViewBatching = .separate
  ) -> SimCLR {
    SimCLR(
      withRandomSeed(3) { ResNet.small() }, imageSize: 16, hiddenLayer: "avgpool",
      projectionSize: 8, viewBatching: batching, localViews: localViews, seed: 1)
  }

  func testLargeViewsAreThoseWithoutLocalOnes() {
    let (with, without) = (simCLR().views(of: images), simCLR(nil).views(of: images))
    XCTAssertEqual(with.first.scalars, without.first.scalars)
    XCTAssertEqual(with.second.scalars, without.second.scalars)
    XCTAssertEqual(with.locals.map(\.shape), Array(repeating: [6, 8, 8, 3], count: 3))
    XCTAssertNotEqual(with.locals[0].scalars, with.locals[1].scalars)
    XCTAssertTrue(without.locals.isEmpty)
  }

  /// A picture that is bright on the left and dark on the right: small parts have a small contrast.
  func testTheScaleIsThatOfTheImage() {
    let ramp = Tensor(shape: [1, 64, 64, 1]) { out in
      for index in out.indices { out[index] = Float(index % 64) / 63 }
    }
    let crop = RandomResizedCrop(32, ratio: 1...1)
    for scale in [0.04...0.04, 0.25...0.25] as [ClosedRange<Float>] {
      let local = LocalViews(count: 1, size: 16, scale: scale).augmentation(beside: crop)
      var stream = RandomStream(seed: 1)
      let view = local(PixelImage(ramp[0]), using: &stream).pixels
      XCTAssertEqual(view.shape, [16, 16, 1])
      let (least, largest) = view.extremes
      XCTAssertEqual(largest - least, scale.lowerBound.squareRoot(), accuracy: 0.05)
    }
  }

  func testOneLossOfPairs() {
    for batching in [ViewBatching.separate, .joint] {
      let learner = simCLR(LocalViews(count: 2, size: 8), batching)
      learner.eval()
      let views = learner.views(of: images)
      let z = views.all.map { learner.project($0) }
      let pairs = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3)]
      let expected = pairs.map { ntXent(z[$0.0], z[$0.1]).item }.reduce(0, +) / 5
      XCTAssertEqual(learner.loss(views).item, expected, accuracy: 1e-5)
    }
  }

  /// Local views that are the large ones leave BYOL's loss of two views in its range.
  func testBYOLIsTwiceTheMean() {
    let learner = BYOL(
      ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8,
      projectionHiddenSize: 16, seed: 1)
    learner.eval()
    let (first, second) = (images, Formula.images("local", view: 2, 6, size: 16))
    let (parts, pass) = (learner.parts, learner.pass())
    let predictions = [first, second].map { parts.predictor(pass.project($0)) }
    let targets = [first, second].map { view in
      parts.target?.withTargetWeights { pass.project(view) } ?? view
    }
    let all = predictions.map { p in targets.map { byolLoss(p, onto: $0).item } }
    let two = learner.loss(first, second).item
    XCTAssertEqual(two, all[0][1] + all[1][0], accuracy: 1e-5)
    // The second view once more: it predicts both targets.
    let three = learner.loss(ViewPair(first: first, second: second, locals: [second])).item
    XCTAssertEqual(three, (two + all[1][0] + all[1][1]) / 2, accuracy: 1e-5)
  }

  func testEveryMethodThatTakesThemLearnsFromThem() {
    func check<M: MultiCropMethod>(_ learner: MethodLearner<M>) {
      let views = learner.views(of: images)
      XCTAssertEqual(views.locals.count, 2)
      let with = learner.loss(views)
      with.backward()
      XCTAssertTrue(with.item.isFinite)
      XCTAssertNotEqual(with.item, learner.loss(views.globals).item)
    }
    let local = LocalViews(count: 2, size: 8)
    func net() -> ResNet { ResNet.small() }
    check(BYOL(net(), imageSize: 16, hiddenLayer: "avgpool", localViews: local, seed: 1))
    check(SimSiam(net(), imageSize: 16, hiddenLayer: "avgpool", localViews: local, seed: 1))
    check(SimCLR(net(), imageSize: 16, hiddenLayer: "avgpool", localViews: local, seed: 1))
    check(
      DINO(
        net(), imageSize: 16, hiddenLayer: "avgpool", prototypeCount: 12, localViews: local, seed: 1
      ))
    check(VICReg(net(), imageSize: 16, hiddenLayer: "avgpool", localViews: local, seed: 1))
    check(LeJEPA(net(), imageSize: 16, hiddenLayer: "avgpool", localViews: local, seed: 1))
  }

  /// The gradients of chunks are those of the whole batch where no norm mixes images.
  func testChunks() throws {
    let learners = (0..<2).map { _ in
      SimCLR(
        withRandomSeed(5) { SmoothCNN() }, imageSize: 16, hiddenLayer: "pool", projectionSize: 8,
        head: .plain, localViews: LocalViews(count: 2, size: 12), seed: 1)
    }
    let views = learners[0].views(of: images)
    let whole = learners[0].stepLoss(of: views)
    whole.backward()
    XCTAssertEqual(learners[1].backward(views, chunkSize: 2).item, whole.item, accuracy: 1e-5)
    // The classifier behind the hidden layer has none.
    let pairs = zip(learners[0].parameters, learners[1].parameters).filter { $0.0.gradient != nil }
    XCTAssertGreaterThan(pairs.count, 4)
    for (a, b) in pairs {
      let (whole, parts) = (try XCTUnwrap(a.gradient), try XCTUnwrap(b.gradient))
      XCTAssertLessThan(relativeError(parts.scalars, whole.scalars), 1e-5)
    }
  }

  func testGoesOnBitForBitFromItsState() throws {
    let (first, second) = (simCLR(), simCLR())
    _ = first.losses(ofSteps: 2, on: images)
    try second.load(first.state)
    XCTAssertEqual(second.losses(ofSteps: 2, on: images), first.losses(ofSteps: 2, on: images))
  }
}
