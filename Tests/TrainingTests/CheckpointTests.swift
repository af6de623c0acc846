import Datasets
import Nets
import Tensor
import XCTest

@testable import SelfSupervised
@testable import Training

final class CheckpointTests: XCTestCase {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("checkpoint-\(UUID()).safetensors").path

  override func tearDown() { try? FileManager.default.removeItem(atPath: path) }

  private func training(projectionSize: Int = 8) -> (learner: MoCo, optimizer: Adam) {
    let learner = MoCo(
      withRandomSeed(1) { ResNet.resNet10(stem: .small, width: 4) }, imageSize: 16,
      hiddenLayer: "avgpool",
      projectionSize: projectionSize, queueSize: 12, seed: 1)
    return (learner, Adam(learner.parameters, learningRate: 1e-2))
  }

  private func losses(_ learner: MoCo, _ optimizer: Adam, steps: Range<Int>) -> [Float] {
    steps.map { step in
      var stream = RandomStream(seed: UInt64(step))
      optimizer.zeroGradients()
      let loss = learner(.uniform([4, 16, 16, 3], in: 0..<1, using: &stream))
      loss.backward()
      optimizer.step()
      learner.updateMovingAverage()
      return loss.item
    }
  }

  func testGoesOnBitForBit() throws {
    let (learner, optimizer) = training()
    _ = losses(learner, optimizer, steps: 0..<3)
    try Checkpoint(learner, optimizer, step: 3, metadata: ["author": "nobody"]).write(to: path)
    let expected = losses(learner, optimizer, steps: 3..<6)

    let (other, otherOptimizer) = training()
    let checkpoint = try Checkpoint(contentsOf: path)
    XCTAssertEqual(checkpoint.step, 3)
    XCTAssertEqual(checkpoint.metadata, ["author": "nobody"])
    // A loss whose step was never taken leaves nothing behind.
    let broken = Tensor.ones([4, 16, 16, 3]) * Float.nan
    _ = other.loss(broken, broken)
    try checkpoint.restore(other, otherOptimizer)
    XCTAssertEqual(losses(other, otherOptimizer, steps: 3..<6), expected)
  }

  /// If only the optimizer's part does not fit, the learner is what it was.
  func testNothingChangesIfAnythingDoesNotFit() throws {
    let (learner, optimizer) = training()
    _ = losses(learner, optimizer, steps: 0..<2)
    try Checkpoint(learner, optimizer, step: 2).write(to: path)
    let checkpoint = try Checkpoint(contentsOf: path)

    let other = training().learner
    let before = other.parameters.map(\.value.scalars)
    let momentum = SGD(other.parameters, learningRate: 0.1, momentum: 0.9)
    XCTAssertThrowsError(try checkpoint.restore(other, momentum)) {
      XCTAssertTrue("\($0)".hasPrefix(path) && "\($0)".contains("optimizer."), "\($0)")
    }
    XCTAssertEqual(other.parameters.map(\.value.scalars), before)

    let (wide, wideOptimizer) = training(projectionSize: 9)
    XCTAssertThrowsError(try checkpoint.restore(wide, wideOptimizer)) {
      XCTAssertTrue("\($0)".contains("learner.projector"), "\($0)")
    }
  }

  func testOtherFilesAreNoCheckpoints() throws {
    try ResNet.resNet10(stem: .small, width: 4).save(to: path)
    XCTAssertThrowsError(try Checkpoint(contentsOf: path)) {
      XCTAssertEqual(
        "\($0)", "\(path): it is not a checkpoint: it has no number of steps")
    }
  }

  func testStepsThatCannotBe() throws {
    let (learner, optimizer) = training()
    for note in ["-3", "\(Int.max)", "two", "1.0"] {
      var state = Checkpoint(learner, optimizer, step: 3).state
      state.metadata["step"] = note
      XCTAssertThrowsError(try Checkpoint(state, path: "f")) {
        XCTAssertEqual("\($0)", "f: a checkpoint needs a number of steps in 0...2^40; got \(note)")
      }
    }
  }

  func testNotesMayBeginWithACombiningMark() throws {
    let (learner, optimizer) = training()
    let notes = ["\u{301}a": "b", "format": "mine", "": "empty"]
    try Checkpoint(learner, optimizer, step: 3, metadata: notes).write(to: path)
    XCTAssertEqual(try Checkpoint(contentsOf: path).metadata, notes)
  }

  /// A network that is given a whole checkpoint says how to take the network out of it.
  func testANetworkOfACheckpoint() throws {
    let (learner, optimizer) = training()
    try Checkpoint(learner, optimizer, step: 3).write(to: path)
    let net = ResNet.resNet10(stem: .small, width: 4)
    XCTAssertThrowsError(try net.load(from: path)) {
      XCTAssertTrue("\($0)".contains("load(state.scoped(to: \"learner.net\"))"), "\($0)")
    }
    try net.load(StateDict(contentsOf: path).scoped(to: "learner.net"))
    XCTAssertEqual(
      net.state["conv1.weight"]?.scalars, learner.state["net.conv1.weight"]?.scalars)
  }

  func testProgressThatCannotBe() throws {
    let (learner, optimizer) = training()
    func trainer() -> Trainer {
      Trainer(
        learner, optimizer: optimizer,
        loader: DataLoader(MockDataset(imageSize: 16, length: 8), batchSize: 4), stepCount: 4)
    }
    for (note, isFine) in [
      (#"{"steps":3,"seconds":1.5,"skippedSteps":1}"#, true),
      (#"{"steps":3,"seconds":1e300,"skippedSteps":1}"#, false),
      (#"{"steps":3,"seconds":-1,"skippedSteps":1}"#, false),
      (#"{"steps":3,"seconds":1,"skippedSteps":9223372036854775807}"#, false),
      (#"{"steps":3,"seconds":1,"skippedSteps":-1}"#, false), ("nonsense", false),
    ] {
      let trainer = trainer()
      let checkpoint = Checkpoint(learner, optimizer, step: 3, metadata: ["trainer": note])
      if isFine {
        try trainer.restore(checkpoint)
        XCTAssertEqual(trainer.progress.seconds, 1.5)
      } else {
        XCTAssertThrowsError(try trainer.restore(checkpoint)) {
          XCTAssertTrue("\($0)".hasSuffix("trainer needs the progress of a training, got \(note)"))
        }
        XCTAssertEqual(trainer.progress.steps, 0)
      }
    }
  }
}
