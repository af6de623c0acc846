import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class TrainerTests: XCTestCase {
  private let data = Shapes(count: 48, size: 16, seed: 3).inMemory()

  private func trainer(
    steps: Int, batchSize: Int = 8, seed: UInt64 = 1, ahead: Int = 2, dropout: Bool = true
  ) -> Trainer {
    let net = withRandomSeed(4) {
      Sequential {
        Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
        BatchNorm(6)
        ReLU()
        Dropout(dropout ? 0.1 : 0)
        GlobalAveragePool()
        Linear(6, 4)
      }
    }
    let learner = MoCo(
      net, imageSize: 16, hiddenLayer: -2, projectionSize: 8, queueSize: 20, seed: seed)
    let trainer = Trainer(
      learner, optimizer: SGD(learner.parameters, learningRate: 0.1, momentum: 0.9),
      loader: DataLoader(data, batchSize: batchSize, shuffled: true, dropsLast: true, seed: seed),
      stepCount: steps)
    trainer.batchesAhead = ahead
    return trainer
  }

  private func bits(_ trainer: Trainer) -> [String: [UInt32]] {
    let state = trainer.learner.state
    return Dictionary(
      uniqueKeysWithValues: state.entries.map { ($0.name, $0.value.scalars.map(\.bitPattern)) })
  }

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

  private func losses(_ trainer: Trainer) throws -> [Float] {
    var losses: [Float] = []
    try trainer.run { losses.append($0.loss) }
    return losses
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

  // MARK: - Values that are not finite

  private func breakWeights(of trainer: Trainer, at step: Int) -> any TrainingCallback {
    Evaluation(every: .steps(step)) { learner in
      learner.parameters[0].value = .full(.nan, learner.parameters[0].shape)
      learner.resetMovingAverage()
      return [:]
    }
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
      _ = try lazy.next()
      for number in 0..<8 {
        try FileManager.default.removeItem(atPath: "\(folder)/\(number).npy")
      }
      XCTAssertThrowsError(try lazy.run()) { XCTAssertTrue($0 is FileError, "\($0)") }
      XCTAssertNoThrow(try lazy.checkpoint())
    }
  }

  // MARK: - Callbacks

  func testEarlyStoppingWaitsAndRemembers() throws {
    func stopping(_ values: [Float]) -> Trainer {
      let trainer = trainer(steps: values.count)
      trainer.callbacks = [
        Evaluation(every: .steps(1)) { _ in ["score": values[trainer.progress.steps - 1]] },
        EarlyStopping(on: "score", patience: 2),
      ]
      return trainer
    }
    let values: [Float] = [0.1, 0.3, 0.2, 0.4, 0.4, 0.3, 0.9]
    let whole = stopping(values)
    XCTAssertEqual(try whole.run().progress.steps, 6)
    let first = stopping(values)
    for _ in 0..<5 { _ = try first.next() }
    let second = stopping(values)
    try second.restore(first.checkpoint())
    XCTAssertEqual(try second.run().progress.steps, 6)
  }

  /// What a checkpoint remembers is how far the number has come, not what was asked for.
  func testEarlyStoppingMayBeAskedForMorePatience() {
    var impatient = EarlyStopping(on: "score", patience: 1)
    var patient = EarlyStopping(on: "score", patience: 3)
    let trainer = trainer(steps: 9)
    func stops(_ callback: inout EarlyStopping, _ value: Float) throws -> Bool {
      var report = try trainer.next()
      report?.events = [.evaluation(["score": value])]
      return !callback(after: try XCTUnwrap(report), in: trainer).isEmpty
    }
    XCTAssertFalse(try stops(&impatient, 0.5))
    XCTAssertTrue(try stops(&impatient, 0.4))
    patient.memory = impatient.memory
    XCTAssertFalse(try stops(&patient, 0.4))
    XCTAssertTrue(try stops(&patient, 0.5))
  }

  func testCheckpointsAtIntervalsAndAtTheEnd() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 7)
      let policy = CheckpointPolicy(in: folder, every: .steps(3), heedsSignals: false)
      trainer.callbacks = [policy]
      var written: [Int] = []
      try trainer.run { report in
        for case .checkpoint(let path) in report.events {
          written.append(try Checkpoint(contentsOf: path).step)
        }
      }
      XCTAssertEqual(written, [3, 6])
      XCTAssertEqual(try Checkpoint(contentsOf: policy.path).step, 7)
    }
  }

  /// A checkpoint that cannot be written is said, and ends nothing but, at the end, the success.
  func testWhatCannotBeWrittenEndsNothing() throws {
    let trainer = trainer(steps: 5)
    var ended = 0
    trainer.callbacks = [
      CheckpointPolicy(in: "/proc/none", every: .steps(2), heedsSignals: false),
      EndCounter { ended += 1 },
    ]
    var said: [String] = []
    XCTAssertThrowsError(
      try trainer.run { report in
        for case .notWritten(let error) in report.events { said.append("\(error)") }
      }
    ) { XCTAssertEqual(($0 as? FileError)?.kind, .unwritable) }
    XCTAssertEqual(trainer.progress.steps, 5)
    XCTAssertEqual(said.count, 2)
    XCTAssertEqual(ended, 1)
  }

  func testARemovedDirectoryIsMadeAgain() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 4)
      trainer.callbacks = [
        CheckpointPolicy(in: folder + "/run", every: .steps(2), heedsSignals: false)
      ]
      try trainer.run { report in
        if report.step == 3 { try FileManager.default.removeItem(atPath: folder + "/run") }
      }
      XCTAssertEqual(try CheckpointPolicy.last(in: folder + "/run")?.step, 4)
    }
  }

  func testSignalsSaveAndEnd() throws {
    try withTemporaryFolder { folder in
      for number in [SIGINT, SIGTERM, SIGHUP] {
        // A shell's background job, or nohup, ignores some, and what is ignored stays so.
        let former = signal(number, SIG_DFL)
        defer { signal(number, former) }
        let trainer = trainer(steps: 20_000)
        let policy = CheckpointPolicy(in: folder)
        trainer.callbacks = [policy]
        var saved = 0
        let result = try trainer.run { report in
          if report.step == 3 { kill(getpid(), SIGUSR1) }
          for case .checkpoint in report.events { saved = report.step }
          if saved > 0, report.step == saved + 2 { kill(getpid(), number) }
        }
        XCTAssertGreaterThan(saved, 0)
        XCTAssertTrue(result.wasInterrupted)
        XCTAssertEqual(try Checkpoint(contentsOf: policy.path).step, result.progress.steps)
      }
    }
  }

  func testIgnoredSignalsStayIgnored() throws {
    let former = signal(SIGHUP, SIG_IGN)
    defer { signal(SIGHUP, former) }
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 6)
      trainer.callbacks = [CheckpointPolicy(in: folder)]
      let result = try trainer.run { report in
        if report.step == 2 { kill(getpid(), SIGHUP) }
      }
      XCTAssertFalse(result.wasInterrupted)
      XCTAssertEqual(result.progress.steps, 6)
    }
  }

  func testBestNetworksAreKept() throws {
    try withTemporaryFolder { folder in
      let values: [Float] = [0.5, 0.2, 0.7, 0.7, 0.6]
      let trainer = trainer(steps: 30)
      let perEpoch = trainer.loader.batchCount
      trainer.callbacks = [
        Evaluation(every: .epochs(1)) { _ in
          ["knn": values[trainer.progress.steps / perEpoch - 1]]
        },
        BestNetworks(in: folder, count: 2),
      ]
      try trainer.run()
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
        ["best-epoch-3-knn-0.7000.safetensors", "best-epoch-4-knn-0.7000.safetensors"])
    }
  }

  /// Neither a network that has diverged nor another one of the same epoch takes a better one's place.
  func testBestNetworksAreNotLost() throws {
    try withTemporaryFolder { folder in
      let values: [Float] = [0.5, 0.7, 0.6, .nan]
      let trainer = trainer(steps: 8)
      trainer.callbacks = [
        Evaluation(every: .steps(2)) { _ in ["knn": values[trainer.progress.steps / 2 - 1]] },
        BestNetworks(in: folder, count: 2),
      ]
      try trainer.run()
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
        ["best-epoch-1-knn-0.6000.safetensors", "best-epoch-1-knn-0.7000.safetensors"])
    }
  }

  func testLogHasStepsAndEvaluationsAndGoesOn() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl"
      func run(_ steps: Int, from checkpoint: Checkpoint?) throws -> Trainer {
        let trainer = trainer(steps: steps)
        trainer.callbacks = [
          Evaluation(every: .epochs(1)) { _ in ["knn": 0.5] },
          try MetricsLog(path, everySteps: 2, after: checkpoint?.step),
        ]
        if let checkpoint { try trainer.restore(checkpoint) }
        try trainer.run()
        return trainer
      }
      let checkpoint = try run(7, from: nil).checkpoint()
      _ = try run(12, from: checkpoint)
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      let records = try lines.map {
        try XCTUnwrap(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      let steps = records.filter { $0["event"] as? String == "step" }.map { $0["step"] as? Int }
      XCTAssertEqual(steps, [1, 3, 5, 7, 9, 11, 12])
      let epochs = records.filter { $0["event"] as? String == "epoch" }
      XCTAssertEqual(epochs.map { $0["epoch"] as? Int }, [1, 2])
      XCTAssertEqual(epochs.map { $0["knn"] as? Double }, [0.5, 0.5])
    }
  }

  func testRecordsAreJSONWhateverTheyHold() throws {
    let record = JSONRecord([
      ("text", .string("a \"quoted\" \\ line\n")), ("number", .number(.nan)), ("flag", .flag(true)),
    ])
    let fields = try JSONSerialization.jsonObject(with: Data(record.line.utf8)) as? [String: Any]
    XCTAssertEqual(fields?["text"] as? String, "a \"quoted\" \\ line\n")
    XCTAssertTrue(fields?["number"] is NSNull)
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

private struct EndCounter: TrainingCallback {
  let count: () -> Void

  func callAsFunction(after report: StepReport, in trainer: Trainer) -> [TrainingEvent] { [] }

  func trainingEnded(_ trainer: Trainer) { count() }
}
