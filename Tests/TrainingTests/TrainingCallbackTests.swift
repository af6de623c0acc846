import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

/// What looks at a training: evaluations, early ends, files, signals and logs.
final class TrainingCallbackTests: TrainingTestCase {
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

  /// After a training, also one that an error ended, a signal does what it did before; and another run
  /// heeds it again.
  func testSignalsAreGivenBack() throws {
    struct Failure: Error {}
    try withTemporaryFolder { folder in
      let former = signal(SIGUSR1, SIG_IGN)
      defer { signal(SIGUSR1, former) }
      func isIgnored() -> Bool {
        let now = signal(SIGUSR1, SIG_IGN)
        defer { signal(SIGUSR1, now) }
        return unsafeBitCast(now, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
      }
      let trainer = trainer(steps: 9)
      // The variable outlives the training, as a user's may.
      let policy = CheckpointPolicy(in: folder)
      trainer.callbacks = [policy, CheckpointPolicy(in: folder)]
      XCTAssertFalse(isIgnored())
      XCTAssertThrowsError(try trainer.run { if $0.step == 2 { throw Failure() } })
      XCTAssertTrue(isIgnored())
      var saved: [Int] = []
      try trainer.run { report in
        XCTAssertFalse(isIgnored())
        if report.step == 5 { kill(getpid(), SIGUSR1) }
        for case .checkpoint in report.events { saved.append(report.step) }
      }
      XCTAssertTrue(isIgnored())
      XCTAssertEqual(saved, [6])
      withExtendedLifetime(policy) {}
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

  /// A measure that is better the nearer it is to zero from below, as a uniformity or a loss is.
  func testBestNetworksByAMeasureBelowZero() throws {
    try withTemporaryFolder { folder in
      let values: [Float] = [-2, -0.5, -3, 0.25, -1]
      let trainer = trainer(steps: 30)
      let perEpoch = trainer.loader.batchCount
      trainer.callbacks = [
        Evaluation(every: .epochs(1)) { _ in
          ["minus_loss": values[trainer.progress.steps / perEpoch - 1]]
        },
        BestNetworks(in: folder, count: 2, by: "minus_loss"),
      ]
      try trainer.run()
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
        [
          "best-epoch-2-minus_loss--0.5000.safetensors",
          "best-epoch-4-minus_loss-0.2500.safetensors",
        ])
    }
  }

  /// Numbers of steps that were taken are not lost because they cannot be read at this moment.
  func testALogThatCannotBeReadIsNotReplaced() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl"
      try makeDirectory(at: path)
      XCTAssertThrowsError(try MetricsLog(path, after: 3)) {
        XCTAssertTrue("\($0)".contains("needs a file; this is a directory"), "\($0)")
      }
      let words = Data("{\"event\":\"step\",\"step\":1}\n".utf8)
      try FileManager.default.removeItem(atPath: path)
      try words.write(to: URL(fileURLWithPath: path))
      chmod(path, 0)
      defer { chmod(path, 0o644) }
      // The superuser reads what nobody may.
      guard getuid() != 0 else { return }
      XCTAssertThrowsError(try MetricsLog(path, after: 3))
      chmod(path, 0o644)
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), words)
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
}

private struct EndCounter: TrainingCallback {
  let count: () -> Void

  func callAsFunction(after report: StepReport, in trainer: Trainer) -> [TrainingEvent] { [] }

  func trainingEnded(_ trainer: Trainer) { count() }
}
