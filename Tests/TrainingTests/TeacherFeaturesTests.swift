import Datasets
import Files
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class TeacherFeaturesTests: XCTestCase {
  private let images = LabeledImages(images: Formula.images("taught", view: 1, 20, size: 12))

  private func teacher(_ seed: UInt64 = 1, size: Size2D = 12) -> (net: Counting, TeacherNetwork) {
    let net = withRandomSeed(seed) { Counting() }
    let teacher = TeacherNetwork(
      net, hiddenLayer: "pool", imageSize: size, normalization: .imageNet)
    net.count = 0
    return (net, teacher)
  }

  func testAreComputedOnceAndKept() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/below/teacher.safetensors"
      let (net, teacher) = teacher()
      let first = try TeacherFeatures(of: images, by: teacher, keptIn: path)
      XCTAssertFalse(first.isFromFile)
      XCTAssertEqual(net.count, 20)
      XCTAssertLessThan(
        relativeError(first.features.scalars, teacher(images.images(in: 0..<20)).scalars), 1e-6)
      let (other, same) = self.teacher()
      let second = try TeacherFeatures(of: images, by: same, keptIn: path)
      XCTAssertTrue(second.isFromFile)
      XCTAssertEqual(other.count, 0)
      XCTAssertEqual(second.features.scalars, first.features.scalars)
    }
  }

  func testAreMadeAnewWhenAnythingIsAnotherOne() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/teacher.safetensors"
      func isKept(_ images: LabeledImages, _ teacher: TeacherNetwork) throws -> Bool {
        // Once to write, and once to ask for something else.
        _ = try TeacherFeatures(of: self.images, by: self.teacher().1, keptIn: path)
        return try TeacherFeatures(of: images, by: teacher, keptIn: path).isFromFile
      }
      XCTAssertTrue(try isKept(images, teacher().1))
      XCTAssertFalse(try isKept(images, teacher(2).1))
      XCTAssertFalse(try isKept(images, teacher(size: 10).1))
      let others = LabeledImages(images: Formula.images("others", view: 1, 20, size: 12))
      XCTAssertFalse(try isKept(others, teacher().1))
      let fewer = LabeledImages(images: images.images(in: 0..<19))
      XCTAssertFalse(try isKept(fewer, teacher().1))
    }
  }

  func testAnotherFileStaysAsItIs() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/weights.safetensors"
      try StateDict([.init("conv", .ones([2]))]).write(to: path)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      XCTAssertThrowsError(
        try TeacherFeatures(of: images, by: teacher().1, keptIn: path)
      ) { error in
        XCTAssertTrue("\(error)".contains("it is no file of a teacher's features"), "\(error)")
        XCTAssertTrue("\(error)".contains(path), "\(error)")
      }
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), before)
    }
  }

  func testFeaturesThatAreNoNumbersAreRefused() throws {
    let (net, teacher) = teacher()
    net.conv.weight.value = .full(.nan, net.conv.weight.shape)
    XCTAssertThrowsError(try TeacherFeatures(of: images, by: teacher)) { error in
      XCTAssertTrue(error is NonFiniteFeaturesError)
    }
  }

  // MARK: - With a trainer

  private func trainer(_ seed: UInt64 = 3) -> (Distillation, Trainer) {
    let net = withRandomSeed(seed) { Counting() }
    let rows = Tensor(Formula.centred("rows", 120), shape: [20, 6])
    let student = Distillation(
      net, teacher: .kept(rows), imageSize: 12, hiddenLayer: "pool", queueSize: 11, seed: seed)
    let trainer = Trainer(
      student, optimizer: SGD(student.parameters, learningRate: 0.1),
      loader: DataLoader(images, batchSize: 6, shuffled: true, dropsLast: true, seed: 4),
      stepCount: 7)
    return (student, trainer)
  }

  func testTheTrainerHandsOverTheIndices() throws {
    let (_, trainer) = trainer()
    let losses = trainer.steps().map(\.loss)
    try trainer.finish()
    let (student, other) = self.trainer()
    let optimizer = other.optimizer
    let byHand = zip(0..<7, other.loader.batches()).map { _, batch -> Float in
      optimizer.zeroGradients()
      let loss = student(batch.images, indices: batch.indices)
      loss.backward()
      optimizer.step()
      student.updateMovingAverage()
      return loss.item
    }
    XCTAssertEqual(losses.count, 7)
    XCTAssertEqual(losses, byHand)
  }

  func testGoesOnFromACheckpoint() throws {
    let (_, whole) = trainer()
    let all = whole.steps().map(\.loss)
    let (_, first) = trainer()
    for _ in 0..<3 { _ = try first.next() }
    let (_, second) = trainer(9)
    try second.restore(first.checkpoint())
    XCTAssertEqual(second.steps().map(\.loss), Array(all[3...]))
  }

  func testAStepIsReplayedWithItsIndices() throws {
    try withTemporaryFolder { folder in
      let (student, trainer) = trainer()
      let batch = trainer.loader.batch(at: 0)
      let views = student.views(of: batch.images, indices: batch.indices, using: nil)
      let expected = student.stepLoss(of: views).item
      let path = folder + "/step.safetensors"
      try Replay(
        trainer.checkpoint(), images: batch.images, labels: batch.labels, indices: batch.indices
      ).write(to: path)
      let again = self.trainer(9).0
      let replayed = try Replay(contentsOf: path).run(
        again, SGD(again.parameters, learningRate: 0.1))
      XCTAssertEqual(replayed.loss.item, expected)
    }
  }
}

/// A small network that counts the pictures it has seen.
private final class Counting: Module {
  let conv = Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
  let norm = BatchNorm(6)
  let pool = GlobalAveragePool()
  var count = 0

  func forward(_ x: Tensor) -> Tensor {
    count += x.shape[0]
    return pool(relu(norm(conv(x)))).flattened(from: 1)
  }
}
