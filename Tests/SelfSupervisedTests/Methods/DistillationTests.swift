import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class DistillationTests: XCTestCase {
  private let images = Formula.images("distillation", view: 1, 8, size: 16)
  private let rows = formula("rows", [20, 6])

  private func student(
    _ teacher: Teacher, objective: DistillationMethod.Objective = .similarities,
    mixesImages: Bool? = nil, seed: UInt64 = 1
  ) -> Distillation {
    Distillation(
      withRandomSeed(seed) { PlainCNN() }, teacher: teacher, imageSize: 16, hiddenLayer: "pool",
      objective: objective, queueSize: 11, mixesImages: mixesImages, seed: seed)
  }

  private func teacher() -> TeacherNetwork {
    TeacherNetwork(
      withRandomSeed(8) { TinyNet() }, hiddenLayer: "features", imageSize: 12,
      normalization: .imageNet)
  }

  func testRowsFollowTheIndices() {
    let learner = student(.kept(rows))
    let indices = [3, 19, 0, 7, 7, 1, 2, 5]
    let views = learner.views(of: images, indices: indices, using: nil)
    XCTAssertEqual(views.teacher?.scalars, rows.indexSelect(indices).scalars)
    XCTAssertEqual(views.views.count, 1)
    // The loss has one view; who looks at pairs, such as a report, gets another one.
    XCTAssertEqual(views.pair.first.scalars, views.views[0].scalars)
    XCTAssertNotEqual(views.pair.first.scalars, views.pair.second.scalars)
    XCTAssertEqual(
      learner(images, indices: indices).item,
      student(.kept(rows)).loss(views).item)
  }

  func testTheTeacherStaysAsItIs() {
    let teacher = teacher()
    func numbers() -> [[Float]] { teacher.net.state.entries.map(\.value.scalars) }
    let before = numbers()
    let learner = student(.live(teacher))
    _ = learner.losses(ofSteps: 3, on: images)
    XCTAssertEqual(numbers(), before)
    let owned = Set(learner.parameters.map(ObjectIdentifier.init))
    XCTAssertTrue(teacher.net.parameters.allSatisfy { !owned.contains(ObjectIdentifier($0)) })
    XCTAssertTrue(teacher.net.parameters.allSatisfy { $0.gradient == nil })
    XCTAssertFalse(learner.state.names.contains { $0.hasPrefix("teacher") })
  }

  func testATeacherSeesPicturesItsOwnWay() {
    let teacher = teacher()
    let net = withRandomSeed(8) { TinyNet() }
    let seen = Normalize.imageNet(resized(images, to: 12))
    let backbone = Backbone(net, hiddenLayers: ["features"], inputShape: [12, 12, 3])
    let expected = net.evaluating { backbone(seen) }
    XCTAssertLessThan(relativeError(teacher(images).scalars, expected.scalars), 1e-6)
    XCTAssertEqual(teacher.width, 6)
  }

  func testMixedViewsAreBlendsOfTheBatch() {
    let live = Teacher.live(teacher())
    let plain = student(live, mixesImages: false).views(of: images).views[0]
    let mixed = student(live).views(of: images).views[0]
    // Who looks at pairs sees views of one picture each.
    XCTAssertEqual(student(live).views(of: images).pair.first.scalars, plain.scalars)
    XCTAssertEqual(plain.mean().item, mixed.mean().item, accuracy: 1e-4)
    // Each is share · its own view + (1 - share) · another one; one that meets itself is as it was.
    let count = images.shape[0]
    let partners = (0..<count).map { row in
      (0..<count).compactMap { other -> Float? in
        let (own, partner, found) = (plain[row], plain[other], mixed[row])
        guard other != row, relativeError(found.scalars, own.scalars) > 1e-5 else { return nil }
        let difference = own - partner
        let share = ((found - partner) * difference).sum().item / square(difference).sum().item
        let rest = square(found - partner - share * difference).sum().item
        return rest < 1e-6 * square(found).sum().item ? share : nil
      }
    }
    let shares = partners.compactMap(\.first)
    XCTAssertGreaterThan(shares.count, count / 2)
    for share in shares { XCTAssertEqual(share, shares[0], accuracy: 1e-3) }
    XCTAssertTrue((0...1).contains(shares.first ?? -1))
  }

  func testTheQueueTakesTheTeachersRowsOnceAStep() throws {
    let learner = student(.kept(rows))
    let queue = try XCTUnwrap(learner.parts.queue)
    let indices = Array(0..<8)
    _ = learner.stepLoss(on: images, indices: indices)
    XCTAssertEqual(queue.count, 0)
    learner.endStep(learner.stepLoss(on: images, indices: indices))
    XCTAssertEqual(queue.rows.scalars, l2Normalized(rows[0..<8].flipped([0])).scalars)
    learner.endStep(learner.stepLoss(on: images, indices: indices))
    XCTAssertEqual(queue.count, 11)
    XCTAssertNil(student(.kept(rows), objective: .features).parts.queue)
  }

  /// What a queue will be once rows are appended, before they are.
  func testPlacesAfterAppending() {
    let queue = MemoryBank(capacity: 5, width: 2)
    for count in [3, 4, 1, 7, 2] {
      let batch = formula("batch\(count)", [count, 2])
      let expected = queue.places(afterAppending: batch)
      queue.append(batch)
      func sorted(_ rows: Tensor) -> [[Float]] {
        (0..<rows.shape[0]).map { rows[$0].scalars }.filter { $0 != [0, 0] }
          .sorted { $0[0] < $1[0] }
      }
      XCTAssertEqual(expected.shape, [5, 2])
      XCTAssertEqual(sorted(expected), sorted(queue.rows))
    }
  }

  func testQueueSizes() {
    let sizes = [
      20: 16, 999: 256, 1_000: 512, 2_000: 1_024, 10_000: 4_096, 80_000: 8_192,
    ]
    for (count, expected) in sizes {
      let learner = Distillation(
        PlainCNN(), teacher: .kept(.zeros([count, 2])), imageSize: 16, hiddenLayer: "pool")
      XCTAssertEqual(learner.parts.queue?.capacity, expected)
    }
  }

  func testItLearnsTheTeachersFeatures() {
    for objective in DistillationMethod.Objective.allCases {
      let learner = Distillation(
        withRandomSeed(1) { ResNet.small() }, teacher: .kept(rows), imageSize: 16,
        hiddenLayer: "avgpool", objective: objective, queueSize: 16,
        augmentation: IdentityAugmentation(), seed: 1)
      let optimizer = Adam(learner.parameters, learningRate: 1e-2)
      let losses = (0..<100).map { _ -> Float in
        optimizer.zeroGradients()
        let loss = learner(images, indices: Array(0..<8))
        loss.backward()
        optimizer.step()
        learner.updateMovingAverage()
        return loss.item
      }
      XCTAssertLessThan(losses.suffix(5).reduce(0, +), 0.5 * losses.prefix(5).reduce(0, +))
    }
  }

  func testGoesOnBitForBitFromItsState() throws {
    let teacher = teacher()
    for teacher in [Teacher.live(teacher), .kept(rows)] {
      let (first, second) = (student(teacher), student(teacher, seed: 9))
      func losses(_ learner: Distillation, _ count: Int) -> [Float] {
        let optimizer = SGD(learner.parameters, learningRate: 0.05)
        return (0..<count).map { step in
          optimizer.zeroGradients()
          let loss = learner(images, indices: Array(step..<step + 8))
          loss.backward()
          optimizer.step()
          learner.updateMovingAverage()
          return loss.item
        }
      }
      _ = losses(first, 2)
      try second.load(first.state)
      XCTAssertEqual(losses(second, 3), losses(first, 3))
    }
  }
}
