import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Distillation against lightly-train's losses: `Fixtures/distillation.py`, which says how far PyTorch's
/// own single precision is from its double.
final class DistillationParityTests: XCTestCase {
  func testSimilaritiesStep() throws { try checkStep(.similarities) }

  func testFeaturesStep() throws { try checkStep(.features) }

  func testSimilaritiesTrace() throws { try checkTrace(.similarities) }

  func testFeaturesTrace() throws { try checkTrace(.features) }

  /// What the teacher said of the images beforehand counts as what it says of them now.
  func testKeptFeaturesGiveTheLossOfALiveTeacher() throws {
    let (run, teacher) = try run(.similarities)
    let view = Formula.images("step", view: 1, 8, size: 16)
    let kept = Distillation(
      run.learner.net, teacher: .kept(teacher(view)), imageSize: 16, hiddenLayer: "avgpool",
      queueSize: 100)
    try kept.projector.load(run.learner.projector.state)
    XCTAssertEqual(
      kept.loss(TaughtViews(view, teacher: teacher(view))).item,
      run.learner.loss(TaughtViews(view)).item)
  }

  private func run(
    _ objective: DistillationMethod.Objective
  ) throws -> (run: ReferenceRun<DistillationMethod>, teacher: TeacherNetwork) {
    let net = ResNet(
      isBottleneck: false, depths: [1, 1, 1, 1], stem: .small, width: 4, classCount: 10)
    try Formula.fill(net, prefix: "teacher.")
    let teacher = TeacherNetwork(net, hiddenLayer: "avgpool", imageSize: 16, normalization: nil)
    let learner = Distillation(
      ResNet.small(), teacher: .live(teacher), imageSize: 16, hiddenLayer: "avgpool",
      objective: objective, queueSize: 100)
    return (try ReferenceRun(learner), teacher)
  }

  private func checkStep(_ objective: DistillationMethod.Objective) throws {
    let view = Formula.images("step", view: 1, 8, size: 16)
    try checkStep(
      of: run(objective).run, on: TaughtViews(view), with: "distillation-\(objective).safetensors")
  }

  private func checkTrace(_ objective: DistillationMethod.Objective) throws {
    let traces = try decodedFixture([String: [Double]].self, "distillation-traces.json")
    let reference = try XCTUnwrap(traces["\(objective)"])
    let run = try run(objective).run
    let optimizer = Adam(run.learner.parameters, learningRate: 3e-4)
    let losses = losses(of: run, steps: reference.count, optimizer: optimizer) { step in
      TaughtViews(Formula.images("trace\(step)", view: 1, 24, size: 16))
    }
    checkTrace(losses, with: reference)
  }
}
