import Datasets
import Foundation
import Images
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class TensorBoardLogTests: XCTestCase {
  private let data = Shapes(count: 24, size: 16, seed: 3).inMemory()

  private func trainer(steps: Int) -> Trainer {
    let net = withRandomSeed(4) { ResNet.resNet10(stem: .small, width: 4) }
    let learner = SimCLR(net, imageSize: 12, hiddenLayer: "avgpool", seed: 1)
    return Trainer(
      learner, optimizer: Adam(learner.parameters, learningRate: 1e-3),
      loader: DataLoader(data, batchSize: 4, shuffled: true, seed: 1), stepCount: steps)
  }

  private func files(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .filter { $0.hasPrefix("events.out.tfevents.") }
  }

  func testWritesStepsEvaluationsAndViews() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 8)
      trainer.callbacks = [
        Evaluation(every: .steps(3)) { _ in ["knn": 0.25] },
        try TensorBoardLog(in: folder, everySteps: 5),
      ]
      var reports: [StepReport] = []
      let views = trainer.learner.viewGrid(of: data).image
      try trainer.run { reports.append($0) }
      let events = try SavedEvent.all(in: folder + "/" + files(in: folder)[0])
      XCTAssertEqual(events.map(\.step), [0, 1, 1, 0, 3, 6, 8])
      XCTAssertEqual(events[0].version, "brain.Event:2")
      XCTAssertEqual(events.filter { $0.scalars["evaluation/knn"] == 0.25 }.map(\.step), [3, 6])
      for event in events {
        guard let loss = event.scalars["train/loss"] else { continue }
        let report = reports[event.step - 1]
        XCTAssertEqual(loss, report.loss)
        XCTAssertEqual(event.scalars["train/learning_rate"], 1e-3)
        XCTAssertEqual(event.scalars["train/gradient_norm"], report.gradientNorm)
        XCTAssertEqual(event.scalars["projections/spread"], report.statistics.projectionStd)
        XCTAssertEqual(event.scalars["projections/dead_share"], report.statistics.deadFraction)
        XCTAssertEqual(
          event.scalars["projections/effective_rank"], report.statistics.effectiveRank)
        for (name, value) in report.metrics {
          XCTAssertEqual(event.scalars["method/" + name], value)
        }
      }
      XCTAssertEqual(
        events.filter { $0.scalars["train/loss"] != nil }.map(\.step), [1, 6, 8])
      let picture = folder + "/views.png"
      let bytes = try XCTUnwrap(events.compactMap { $0.pictures["views"] }.first)
      try Data(bytes).write(to: URL(fileURLWithPath: picture))
      // Drawn after the first step, of what the second one draws.
      XCTAssertEqual(try PixelImage(contentsOf: picture).size, views.size)
    }
  }

  /// What a killed training wrote after its checkpoint is declared out of date.
  func testGoesOnInAnotherFile() throws {
    try withTemporaryFolder { folder in
      let before = trainer(steps: 4)
      before.callbacks = [try TensorBoardLog(in: folder, everySteps: 1)]
      try before.run()
      let after = trainer(steps: 4)
      after.callbacks = [try TensorBoardLog(in: folder, everySteps: 1, after: 2)]
      try after.run()
      let names = try files(in: folder)
      XCTAssertEqual(names.count, 2)
      let files = try names.map { try SavedEvent.all(in: "\(folder)/\($0)") }
      // TensorBoard heeds a start only if there was one before.
      for (events, step) in zip(files, [1, 3]) {
        XCTAssertEqual(events.map(\.isStart), events.indices.map { $0 == 1 })
        XCTAssertEqual(events[1].step, step)
      }
      let events = files[1]
      XCTAssertTrue(events.allSatisfy { $0.pictures.isEmpty })
    }
  }

  func testAFullDiskEndsNothing() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 6)
      let log = try TensorBoardLog(in: folder, everySteps: 1)
      let path = try folder + "/" + files(in: folder)[0]
      trainer.callbacks = [log]
      var said: [String] = []
      func step() throws {
        for case .notWritten(let error) in try XCTUnwrap(trainer.next()).events {
          said.append("\(error)")
        }
      }
      try step()
      let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
      try withFilesUpTo(size + 20) { for _ in 2...4 { try step() } }
      for _ in 5...6 { try step() }
      XCTAssertEqual(said, ["\(path): cannot be written: File too large"])
      XCTAssertEqual(try SavedEvent.all(in: path).map(\.step), [0, 1, 1, 0, 5, 6])
    }
  }

  func testTheProjectorShowsFeaturesClassesAndImages() throws {
    try withTemporaryFolder { folder in
      let trainer = trainer(steps: 1)
      trainer.callbacks = [
        try TensorBoardLog(in: folder, projecting: data.first(10), size: 12)
      ]
      try trainer.run()
      func lines(_ name: String) throws -> [String] {
        try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
          .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
      }
      var stream = RandomStream(seed: 0)
      let shown = data.first(10).sampled(10, using: &stream)
      let features = trainer.learner.represent(resized(shown.images(in: 0..<10), to: 12)).embedding
      let rows = try lines("projector-features.tsv").map { $0.split(separator: "\t") }
      XCTAssertEqual(rows.flatMap { $0.compactMap { Float($0) } }, features.scalars)
      XCTAssertEqual(rows.map(\.count), [Int](repeating: features.shape[1], count: 10))
      XCTAssertEqual(
        try lines("projector-labels.tsv"), shown.labels.map { data.classNames[$0] })
      let sprite = try PixelImage(contentsOf: folder + "/projector-images.png")
      XCTAssertEqual(sprite.size, Size2D(height: 3 * 16, width: 4 * 16))
      // The sixth one stands in the second row.
      let sixth = PixelImage(shown.images(at: [5])[0])
      XCTAssertEqual(sprite[16 + 3, 16 + 7, 1], sixth[3, 7, 1], accuracy: 0.5 / 255)
      XCTAssertEqual(
        try lines("projector_config.pbtxt"),
        [
          "embeddings {", "  tensor_name: \"features\"",
          "  tensor_path: \"projector-features.tsv\"", "  tensor_shape: 10",
          "  tensor_shape: \(features.shape[1])", "  metadata_path: \"projector-labels.tsv\"",
          "  sprite {", "    image_path: \"projector-images.png\"", "    single_image_dim: 16",
          "    single_image_dim: 16", "  }", "}",
        ])
      let written = try FileManager.default.contentsOfDirectory(atPath: folder)
      XCTAssertTrue(written.allSatisfy(TensorBoardLog.writes), "\(written)")
    }
  }

  /// A log draws views, which moves no random number of the training.
  func testALogChangesNoTraining() throws {
    let plain = trainer(steps: 3)
    try plain.run()
    try withTemporaryFolder { folder in
      let logged = trainer(steps: 3)
      logged.callbacks = [try TensorBoardLog(in: folder, everySteps: 1)]
      try logged.run()
      for (a, b) in zip(plain.learner.state.entries, logged.learner.state.entries) {
        XCTAssertEqual(a.value.scalars, b.value.scalars, a.name)
      }
    }
  }
}
