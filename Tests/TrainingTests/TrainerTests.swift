import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class TrainerTests: TrainingTestCase {
  /// The loop that the articles write by hand.
  func testStepsAreThoseOfALoopByHand() throws {
    let (trainer, byHand) = (trainer(steps: 9), trainer(steps: 9))
    let reported = try losses(trainer)
    var expected: [Float] = []
    for (_, batch) in zip(0..<9, byHand.loader.batches()) {
      byHand.optimizer.zeroGradients()
      let loss = byHand.learner(batch.images)
      loss.backward()
      byHand.optimizer.step()
      byHand.learner.updateMovingAverage()
      expected.append(loss.item)
    }
    XCTAssertEqual(reported, expected)
    XCTAssertEqual(bits(trainer), bits(byHand))
  }

  func testIterationGivesTheSameReportsAsRun() throws {
    let iterated = trainer(steps: 5)
    let losses = iterated.steps().map(\.loss)
    XCTAssertEqual(losses, try self.losses(trainer(steps: 5)))
    XCTAssertEqual(try iterated.finish().progress.steps, 5)
  }

  func testBatchesAheadChangeNothing() throws {
    let without = trainer(steps: 8, ahead: 0)
    let expected = try losses(without)
    for ahead in [1, 3] {
      let trainer = trainer(steps: 8, ahead: ahead)
      XCTAssertEqual(try losses(trainer), expected)
      XCTAssertEqual(bits(trainer), bits(without))
    }
  }

  // MARK: - Going on

  func testGoesOnBitForBitAlsoToMoreSteps() throws {
    try withTemporaryFolder { folder in
      let whole = trainer(steps: 12)
      let expected = try losses(whole)
      let first = trainer(steps: 5)
      XCTAssertEqual(try losses(first), Array(expected[..<5]))
      try first.checkpoint().write(to: folder + "/a.safetensors")
      let second = trainer(steps: 12)
      try second.restore(try Checkpoint(contentsOf: folder + "/a.safetensors"))
      XCTAssertEqual(second.progress.steps, 5)
      XCTAssertEqual(try losses(second), Array(expected[5...]))
      XCTAssertEqual(bits(second), bits(whole))
      XCTAssertEqual(second.progress.averageLoss, whole.progress.averageLoss)
    }
  }

  func testCheckpointOfAnotherNetworkChangesNothing() throws {
    let (trainer, other) = (trainer(steps: 3), trainer(steps: 3))
    _ = try losses(trainer)
    let net = Sequential { Linear(4, 4) }
    let stranger = Checkpoint(
      SimCLR(net, inputShape: [4], hiddenLayer: -1, augmentation: IdentityAugmentation(), seed: 1),
      SGD(net.parameters, learningRate: 1), step: 2)
    let before = bits(other)
    XCTAssertThrowsError(try other.restore(stranger)) { XCTAssertTrue($0 is StateError) }
    XCTAssertEqual(bits(other), before)
    XCTAssertEqual(other.progress.steps, 0)
  }

  // MARK: - Settings

  func testAccumulatedBatchesAreOneStepOfTheMeanGradient() throws {
    let (trainer, byHand) = (trainer(steps: 2), trainer(steps: 2))
    trainer.accumulatedBatches = 3
    let reports = Array(trainer.steps())
    var batches = byHand.loader.batches()
    for _ in 0..<2 {
      byHand.optimizer.zeroGradients()
      for _ in 0..<3 { (byHand.learner(batches.nextBatch().images) / 3).backward() }
      byHand.optimizer.step()
      byHand.learner.updateMovingAverage()
    }
    XCTAssertEqual(bits(trainer), bits(byHand))
    XCTAssertEqual(reports.map(\.endsEpoch), [false, true])
    XCTAssertEqual(reports.map(\.epoch), [0, 0])
  }

  /// Six batches in an epoch, four or eight in a step: each pass that ends is reported, and no interval
  /// is missed where several end at once.
  func testEpochsOfAccumulatedBatches() throws {
    for (accumulated, epochs, ends) in [
      (4, [0, 0, 1, 2, 2, 3], [false, true, true, false, true, true]),
      (8, [0, 1, 3, 4, 5, 7], [true, true, true, true, true, true]),
    ] {
      let trainer = trainer(steps: 6)
      trainer.accumulatedBatches = accumulated
      var evaluated: [Int] = []
      trainer.callbacks = [
        Evaluation(every: .epochs(3)) { _ in
          evaluated.append(trainer.progress.steps)
          return [:]
        }
      ]
      let reports = Array(trainer.steps())
      XCTAssertEqual(reports.map(\.epoch), epochs)
      XCTAssertEqual(reports.map(\.endsEpoch), ends)
      XCTAssertEqual(evaluated, accumulated == 4 ? [5] : [3, 5])
    }
  }

  func testSchedulesSetEachStep() throws {
    let trainer = trainer(steps: 4)
    trainer.optimizer.groups[0].weightDecay = 0
    trainer.learningRate = CosineDecay(from: 0.2, over: 4)
    var rates: [Float] = []
    try trainer.run { rates.append($0.learningRate) }
    XCTAssertEqual(rates, (0..<4).map { CosineDecay(from: 0.2, over: 4).value(at: $0) })
  }

  func testWeightDecayFollowsItsScheduleWhereThereIsDecay() throws {
    let trainer = trainer(steps: 2)
    let learner = trainer.learner
    let decaying = Trainer(
      learner, optimizer: SGD(learner.parameterGroups(weightDecay: 0.1), learningRate: 0.1),
      loader: trainer.loader, stepCount: 2)
    decaying.weightDecay = CosineDecay(from: 0.5, to: 0.3, over: 1)
    _ = try decaying.next()
    XCTAssertEqual(decaying.optimizer.groups.map(\.weightDecay), [0.5, 0])
    _ = try decaying.next()
    XCTAssertEqual(decaying.optimizer.groups.map(\.weightDecay), [0.3, 0])
  }

  func testGradientsAreClippedToTheNorm() throws {
    let trainer = trainer(steps: 4)
    trainer.gradientClip = 0.01
    var norms: [Float] = []
    try trainer.run { _ in norms.append(gradientNorm(of: trainer.learner.parameters)) }
    // The first loss of MoCo is 0: there is nothing in the queue.
    for norm in norms.dropFirst() { XCTAssertEqual(norm, 0.01, accuracy: 1e-6) }
  }

  func testTimeLimitEndsTheTraining() throws {
    let trainer = trainer(steps: 1_000_000)
    trainer.timeLimit = .nanoseconds(1)
    let result = try trainer.run()
    XCTAssertEqual(result.progress.steps, 1)
    XCTAssertTrue(try XCTUnwrap(result.stopReason).contains("time limit"))
    XCTAssertFalse(result.wasInterrupted)
  }

  /// What comes before the first step is no part of the training, nor is a training before.
  func testTimeLimitCountsFromTheFirstStep() throws {
    let trainer = trainer(steps: 3)
    trainer.timeLimit = .seconds(1)
    let checkpoint = try trainer.checkpoint()
    for _ in 0..<2 {
      Thread.sleep(forTimeInterval: 1.05)
      XCTAssertNil(try trainer.run().stopReason)
      XCTAssertEqual(trainer.progress.steps, 3)
      try trainer.restore(checkpoint)
    }
  }

  /// Batches that are drawn ahead are not those of the new number.
  func testBatchesMayChangeBetweenSteps() throws {
    let (trainer, other) = (trainer(steps: 4), self.trainer(steps: 4))
    for _ in 0..<2 { _ = try trainer.next() }
    trainer.accumulatedBatches = 2
    trainer.batchesAhead = 0
    var losses: [Float] = []
    while let report = try trainer.next() { losses.append(report.loss) }
    XCTAssertEqual(losses.count, 2)
    // The batches of steps that had two each from the start.
    other.accumulatedBatches = 2
    let first = self.trainer(steps: 2)
    _ = try self.losses(first)
    try other.restore(first.checkpoint())
    XCTAssertEqual(try self.losses(other), losses)
  }

  // MARK: - Values that are not finite

  /// The step that ended in an error comes again, with its batches and views, once its cause is gone.
  func testATrainingGoesOnAfterAnError() throws {
    for (accumulated, policy) in [
      (1, Trainer.NonFinitePolicy.stop()), (2, .stop()), (2, .skip(limit: 0)),
    ] {
      let (trainer, healthy) = (trainer(steps: 6), self.trainer(steps: 6))
      for trainer in [trainer, healthy] {
        trainer.accumulatedBatches = accumulated
        trainer.nonFinitePolicy = policy
      }
      var losses: [Float] = []
      for _ in 0..<3 { losses.append(try XCTUnwrap(trainer.next()).loss) }
      let (learner, state) = (trainer.learner, trainer.learner.state)
      learner.parameters[0].value = .full(.nan, learner.parameters[0].shape)
      learner.resetMovingAverage()
      XCTAssertThrowsError(try trainer.next()) { XCTAssertTrue($0 is NonFiniteError) }
      try learner.load(state)
      XCTAssertEqual(try trainer.checkpoint().step, 3)
      while let report = try trainer.next() { losses.append(report.loss) }
      XCTAssertEqual(losses, try self.losses(healthy))
    }
  }

  /// An error is thrown once: the training may be run again.
  func testARunThatFailedMayBeRunAgain() throws {
    let trainer = trainer(steps: 5)
    struct Failure: Error {}
    XCTAssertThrowsError(
      try trainer.run { if $0.step == 2 { throw Failure() } }
    ) { XCTAssertTrue($0 is Failure) }
    XCTAssertEqual(try trainer.run().progress.steps, 5)
  }

  func testStopsWithAFileThatRunsAgain() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 9)
      trainer.nonFinitePolicy = .stop(writingTo: folder)
      trainer.callbacks = [breakWeights(of: trainer, at: 4)]
      XCTAssertThrowsError(try trainer.run()) { error in
        let error = error as? NonFiniteError
        XCTAssertEqual(error?.step, 4)
        XCTAssertEqual(error?.path, folder + "/nonfinite-step-4.safetensors")
      }
      let replay = try Replay(contentsOf: folder + "/nonfinite-step-4.safetensors")
      let batch = Array(zip(0..<5, trainer.loader.batches()))[4].1
      XCTAssertEqual(replay.images.scalars, batch.images.scalars)
      XCTAssertEqual(replay.labels, batch.labels)
      let other = self.trainer(steps: 9)
      let (loss, broken) = try replay.run(other.learner, other.optimizer)
      XCTAssertTrue(loss.item.isNaN)
      XCTAssertFalse(broken.isEmpty)
    }
  }

  /// Run again, a step of a healthy training gives its loss to the bit.
  func testReplayIsTheStepItself() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 6)
      let losses = try losses(trainer)
      let early = self.trainer(steps: 3)
      _ = try self.losses(early)
      let batch = Array(zip(0..<4, early.loader.batches()))[3].1
      try Replay(
        early.checkpoint(), images: batch.images, labels: batch.labels, indices: batch.indices
      ).write(to: folder + "/step.safetensors")
      let other = self.trainer(steps: 6)
      let replay = try Replay(contentsOf: folder + "/step.safetensors")
      XCTAssertEqual(try replay.run(other.learner, other.optimizer).loss.item, losses[3])
    }
  }

  func testSkipsAndCountsAndThenGivesUp() throws {
    let trainer = trainer(steps: 20)
    trainer.nonFinitePolicy = .skip(limit: 3)
    trainer.callbacks = [breakWeights(of: trainer, at: 5)]
    var skipped: [Bool] = []
    XCTAssertThrowsError(try trainer.run { skipped.append($0.isSkipped) })
    XCTAssertEqual(skipped, Array(repeating: false, count: 5) + Array(repeating: true, count: 3))
    XCTAssertEqual(trainer.progress.skippedSteps, 3)
  }

  /// A step that is left out takes all of its batches along: the next one has as many as ever.
  func testAStepOfSeveralBatchesIsLeftOutWhole() throws {
    let (broken, whole) = (trainer(steps: 4, dropout: false), trainer(steps: 4, dropout: false))
    for trainer in [broken, whole] {
      trainer.accumulatedBatches = 3
      trainer.nonFinitePolicy = .skip(limit: 2)
      trainer.optimizer.learningRate = 0
    }
    let net = try XCTUnwrap(broken.learner.net as? Sequential)
    let weight = net.parameters[0]
    let kept = weight.value
    var seen: [[Float]] = [[], []]
    for (index, trainer) in [broken, whole].enumerated() {
      for report in trainer.steps() {
        seen[index].append(report.loss)
        guard index == 0, report.step < 3 else { continue }
        weight.value = report.step == 1 ? kept * .nan : kept
        trainer.learner.resetMovingAverage()
      }
      try trainer.finish()
    }
    XCTAssertEqual(seen[0].map(\.isFinite), [true, false, true, true])
    XCTAssertEqual(broken.progress.skippedSteps, 1)
    // MoCo's queue lacks the keys of the step that was left out; batches and views are the same.
    XCTAssertEqual(broken.learner.stream, whole.learner.stream)
    XCTAssertEqual(seen[0][0], seen[1][0])
  }

  /// Running statistics are what they were before a loss that became NaN, whether it ends the
  /// training or is left out.
  func testAStepThatIsLeftOutLeavesNoTrace() throws {
    for policy in [Trainer.NonFinitePolicy.stop(), .skip(limit: 2)] {
      let (trainer, healthy) = (trainer(steps: 9), self.trainer(steps: 4))
      trainer.nonFinitePolicy = policy
      trainer.callbacks = [breakWeights(of: trainer, at: 4)]
      XCTAssertThrowsError(try trainer.run())
      try healthy.run()
      healthy.learner.resetMovingAverage()
      let (found, expected) = (trainer.learner.runningStatistics, healthy.learner.runningStatistics)
      // A mean, a variance and a count, of the network and of the target.
      XCTAssertEqual(found.count, 6)
      XCTAssertEqual(found.map(\.scalars), expected.map(\.scalars))
    }
  }

  /// The steps that a training would take are measured without taking one.
  func testMeasuringTheMemoryOfAStepChangesNothing() throws {
    let (trainer, untouched) = (trainer(steps: 3), self.trainer(steps: 3))
    let images = data.images(in: 0..<4)
    let few = StepMemory(of: trainer.learner, images: images, batchSize: 8).bytes
    let many = StepMemory(of: trainer.learner, images: images, batchSize: 16).bytes
    XCTAssertGreaterThan(few, 0)
    XCTAssertGreaterThan(many, few)
    XCTAssertEqual(try losses(trainer), try losses(untouched))
    XCTAssertEqual(bits(trainer), bits(untouched))
  }

  func testDivergenceInTheLastStepIsSeen() throws {
    // The first step fills MoCo's queue, and has no gradient.
    let trainer = trainer(steps: 2)
    XCTAssertFalse(trainer.result.hasDiverged)
    trainer.optimizer.learningRate = 1e30
    XCTAssertTrue(try trainer.run().hasDiverged)
  }

  func testErrorOfIterationIsThrownAtTheEnd() {
    let trainer = trainer(steps: 9)
    trainer.callbacks = [breakWeights(of: trainer, at: 2)]
    XCTAssertEqual(Array(trainer.steps()).count, 2)
    XCTAssertThrowsError(try trainer.finish()) { XCTAssertTrue($0 is NonFiniteError) }
  }

  /// Pictures that are gone end a training with an error, not the program; what was learned can be saved.
  func testPicturesThatVanishAreAnError() throws {
    try withTemporaryFolder { folder in
      for number in 0..<8 {
        try Tensor.full(0.1 * Float(number), [16, 16, 3]).writeNumPy(to: "\(folder)/\(number).npy")
      }
      let pictures = try ImageFolder.open(directory: folder, imageSize: 16) { _ in }
      let trainer = trainer(steps: 20)
      let lazy = Trainer(
        trainer.learner, optimizer: trainer.optimizer, loader: DataLoader(pictures, batchSize: 4),
        stepCount: 20)
      // More batches than are made ahead: the error comes in the middle of a step.
      lazy.accumulatedBatches = 4
      _ = try lazy.next()
      let stream = lazy.learner.stream
      for number in 0..<8 {
        try FileManager.default.removeItem(atPath: "\(folder)/\(number).npy")
      }
      XCTAssertThrowsError(try lazy.run()) { XCTAssertTrue($0 is FileError, "\($0)") }
      XCTAssertNoThrow(try lazy.checkpoint())
      XCTAssertEqual(lazy.learner.stream, stream)
    }
  }

  // MARK: - byol-pytorch's trainer

  func testBYOLTrainerLearnsFromNoise() throws {
    try withTemporaryFolder { folder in
      let net = withRandomSeed(1) { ResNet.resNet10(stem: .small, width: 4) }
      let before = net.parameters.map(\.value.scalars)
      let trainer = try BYOLTrainer(
        net, dataset: MockDataset(imageSize: 16, length: 32), imageSize: 16, hiddenLayer: "avgpool",
        learningRate: 3e-4, stepCount: 3, batchSize: 8, checkpointEvery: 2,
        checkpointFolder: folder + "/checkpoints")
      try trainer.run()
      XCTAssertNotEqual(net.parameters.map(\.value.scalars), before)
      XCTAssertEqual(
        try Checkpoint(contentsOf: folder + "/checkpoints/checkpoint.safetensors").step, 3)
    }
  }
}
