import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class FineTuningTests: XCTestCase {
  private final class Net: Module {
    let conv = Conv2d(3, 6, kernelSize: 3, padding: 1, bias: false)
    let bn = BatchNorm(6)
    let pool = GlobalAveragePool()

    func forward(_ images: Tensor) -> Tensor { pool(relu(bn(conv(images)))) }
  }

  private struct Expected: Decodable {
    struct Course: Decodable {
      let losses: [Float]
      let logits: [Float]
    }

    let fineTuned: Course
    let fromScratch: Course
  }

  /// `Fixtures/fine_tuning.py` took the same steps in PyTorch.
  func testStepsAreThoseOfPyTorch() throws {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: fixture("fine-tuning.json"))))
    for (course, isPretrained) in [(expected.fineTuned, true), (expected.fromScratch, false)] {
      let net = Net()
      try Formula.fill(net)
      let classifier = Classifier(
        net, classCount: 3, imageSize: 8, hiddenLayer: "pool", seed: 0)
      try Formula.fill(classifier.projector, prefix: "head.")
      let labeled = LabeledImages(
        images: Formula.images("labeled", view: 0, 12, size: 8), labels: (0..<12).map { $0 % 3 })
      let trainer = FineTuning(stepCount: 20).trainer(
        of: classifier, on: labeled, isPretrained: isPretrained, seed: 0)
      var losses: [Float] = []
      try trainer.run { losses.append($0.loss) }
      XCTAssertClose(losses, course.losses, accuracy: 1e-5)
      let queries = Formula.images("queries", view: 0, 9, size: 8)
      XCTAssertClose(
        classifier.represent(queries).projection.scalars, course.logits, accuracy: 1e-4)
    }
  }

  /// One step of AdamW moves every weight by the rate, whatever its gradient is: the head by its own.
  func testATransformerIsTunedByAdamW() throws {
    let net = Net()
    let classifier = Classifier(net, classCount: 3, imageSize: 8, hiddenLayer: "pool", seed: 0)
    let labeled = LabeledImages(
      images: Formula.images("labeled", view: 0, 12, size: 8), labels: (0..<12).map { $0 % 3 })
    var settings = FineTuning.transformer
    settings.stepCount = 1
    for (isPretrained, rate) in [(true, settings.learningRate), (false, settings.headLearningRate)]
    {
      let before = (net.bn.bias?.value.scalars, classifier.projector.parameters[0].value.scalars)
      try settings.trainer(of: classifier, on: labeled, isPretrained: isPretrained, seed: 0).run()
      let after = (net.bn.bias?.value.scalars, classifier.projector.parameters[0].value.scalars)
      let moves = (
        zip(try XCTUnwrap(before.0), try XCTUnwrap(after.0)).map { abs($0 - $1) },
        zip(before.1, after.1).map { abs($0 - $1) }
      )
      XCTAssertEqual(moves.0.max() ?? 0, rate, accuracy: 1e-2 * rate)
      XCTAssertEqual(
        moves.1.max() ?? 0, settings.headLearningRate, accuracy: 1e-2 * settings.headLearningRate)
    }
  }

  private func XCTAssertClose(
    _ a: [Float], _ b: [Float], accuracy: Float, line: UInt = #line
  ) {
    XCTAssertEqual(a.count, b.count, line: line)
    for (a, b) in zip(a, b) { XCTAssertEqual(a, b, accuracy: accuracy, line: line) }
  }

  /// Shapes, a network that has learned their classes, and one that has not.
  func testANetworkThatKnowsTheClassesNeedsFewLabels() throws {
    let bank = Shapes(count: 400, size: 16, seed: 1).inMemory()
    let queries = Shapes(count: 200, size: 16, seed: 2).inMemory()
    func makeNet() -> ResNet { ResNet.resNet10(stem: .small, width: 4) }
    let net = withRandomSeed(3) { makeNet() }
    let teacher = Classifier(
      net, classCount: bank.classNames.count, imageSize: 16, hiddenLayer: "avgpool", seed: 4)
    try Trainer(
      teacher, optimizer: Adam(teacher.parameters, learningRate: 3e-3),
      loader: DataLoader(bank, batchSize: 50, shuffled: true), stepCount: 200
    ).run()
    let before = net.state.entries.map(\.value.scalars)
    let settings = FineTuning(stepCount: 20)
    func compare(seed: UInt64) throws -> (
      fineTuned: FewLabelAccuracy, fromScratch: FewLabelAccuracy
    ) {
      try settings.compare(
        net, with: makeNet, hiddenLayer: "avgpool", bank: bank, queries: queries, imageSize: 16,
        labelsPerClass: 2, draws: 3, seed: seed)
    }
    let scores = try compare(seed: 5)
    XCTAssertEqual(scores.fineTuned.labelsPerClass, 2)
    XCTAssertEqual(scores.fineTuned.accuracies.count, 3)
    XCTAssertGreaterThan(
      scores.fineTuned.mean - scores.fineTuned.deviation,
      scores.fromScratch.mean + scores.fromScratch.deviation)
    // Copies are trained, and all that is random comes from the seed.
    XCTAssertEqual(net.state.entries.map(\.value.scalars), before)
    let (again, other) = (try compare(seed: 5), try compare(seed: 6))
    XCTAssertEqual(again.fineTuned.accuracies, scores.fineTuned.accuracies)
    XCTAssertEqual(again.fromScratch.accuracies, scores.fromScratch.accuracies)
    XCTAssertNotEqual(
      other.fineTuned.accuracies + other.fromScratch.accuracies,
      scores.fineTuned.accuracies + scores.fromScratch.accuracies)
  }

  func testAnotherNetworkIsAnError() throws {
    let bank = Shapes(count: 60, size: 16, seed: 1).inMemory()
    XCTAssertThrowsError(
      try FineTuning(stepCount: 1).compare(
        ResNet.resNet10(stem: .small, width: 4),
        with: { ResNet.resNet10(stem: .small, width: 2) }, hiddenLayer: "avgpool", bank: bank,
        queries: bank, imageSize: 16, labelsPerClass: 1)
    ) { XCTAssertTrue($0 is StateError) }
  }
}
