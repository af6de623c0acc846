import Datasets
import SelfSupervised
import Training
import XCTest

/// Fine-tuning by a trainer.
final class ClassifierTests: XCTestCase {
  /// Sixty images of noise whose class is the brighter half.
  private let images: LabeledImages = {
    var stream = RandomStream(seed: 0)
    let labels = (0..<60).map { $0 % 2 }
    let noise = Tensor.uniform([60, 8, 8, 3], in: 0..<0.5, using: &stream)
    let halves = labels.flatMap { label in
      (0..<64).flatMap { pixel in [Float](repeating: pixel % 8 / 4 == label ? 0.5 : 0, count: 3) }
    }
    return LabeledImages(images: noise + Tensor(halves, shape: [60, 8, 8, 3]), labels: labels)
  }()

  private final class SmallNet: Module {
    let conv = Conv2d(3, 16, kernelSize: 3, stride: 4)
    let head = Identity()

    func forward(_ images: Tensor) -> Tensor { head(relu(conv(images)).flattened(from: 1)) }
  }

  func testLearnsClassesAndMovesTheNetwork() throws {
    let net = withRandomSeed(3) { SmallNet() }
    let before = net.conv.parameters[0].value
    let classifier = Classifier(net, classCount: 2, imageSize: 8, hiddenLayer: "head", seed: 4)
    let trainer = Trainer(
      classifier, optimizer: Adam(classifier.parameters, learningRate: 0.02),
      loader: DataLoader(images, batchSize: 20, shuffled: true), stepCount: 60)
    var first: StepReport?
    var last: StepReport?
    try trainer.run { report in
      first = first ?? report
      last = report
    }
    // Two classes that are equally likely: log 2, about.
    XCTAssertEqual(try XCTUnwrap(first).loss, 0.69, accuracy: 0.2)
    XCTAssertLessThan(try XCTUnwrap(last).loss, 0.1)
    XCTAssertEqual(try XCTUnwrap(last).metrics["accuracy"], 1)
    XCTAssertEqual(classifier.accuracy(on: images), 1)
    XCTAssertGreaterThan(abs(net.conv.parameters[0].value - before).max().item, 1e-3)
  }

  func testTheLossIsTheCrossEntropyOfTheLayersOutput() {
    let classifier = Classifier(
      withRandomSeed(3) { SmallNet() }, classCount: 2, imageSize: 8, hiddenLayer: "head", seed: 4)
    let loss = classifier.stepLoss(on: images.images(in: 0..<6), labels: [0, 1, 0, 1, 0, 1])
    let logits = classifier.represent(images.images(in: 0..<6)).projection
    XCTAssertEqual(loss.item, crossEntropy(logits, [0, 1, 0, 1, 0, 1]).item, accuracy: 1e-6)
    XCTAssertEqual(logits.shape, [6, 2])
  }
}

/// What trainings print.
final class DescriptionTests: XCTestCase {
  func testMetricsAndEventsAreOneLine() {
    let metrics: Metrics = ["knn": 0.81234, "pairs": 12]
    XCTAssertEqual("\(metrics)", "knn 0.8123, pairs 12")
    XCTAssertEqual("\(TrainingEvent.evaluation(metrics))", "evaluation: knn 0.8123, pairs 12")
    XCTAssertEqual("\(TrainingEvent.checkpoint(path: "a/b"))", "wrote a/b")
  }

  func testTheLastCheckpointOfAFolder() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    XCTAssertNil(try CheckpointPolicy.last(in: folder))
    let learner = SimCLR(ResNet.resNet10(stem: .small, width: 4), imageSize: 8)
    try Checkpoint(learner, Adam(learner.parameters), step: 7)
      .write(to: CheckpointPolicy.path(in: folder))
    XCTAssertEqual(try CheckpointPolicy.last(in: folder)?.step, 7)
  }
}
