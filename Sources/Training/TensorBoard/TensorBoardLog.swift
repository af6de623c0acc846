import Datasets
import Files
import Foundation
import Images
import SelfSupervised
import Tensor

/// Writes what `tensorboard --logdir` shows of a training: its numbers, the views it learns from,
/// and at the end the features of some images.
///
/// ```swift
/// trainer.callbacks.append(try TensorBoardLog(in: "runs/1"))
/// ```
///
/// | Tag | What it is |
/// |---|---|
/// | `train/…` | loss, learning rate and norm of the gradients |
/// | `projections/…` | spread, share of dead dimensions and effective rank |
/// | `method/…` | the method's further numbers |
/// | `speed/…` | images in a second, and the share of the time that a step waited for its batch |
/// | `evaluation/…` | the numbers of each ``Evaluation`` before it among the trainer's callbacks |
/// | `views` | eight images, and two views of each, before the first step |
///
/// Events that the disk has no room for are lost; the training goes on, and says so once.
public struct TensorBoardLog: TrainingCallback {
  /// Where the files are.
  public let directory: String
  private let interval: Int
  private let projected: (any ImageDataset)?
  private let size: Size2D?
  private let channels: [Int]?
  private var file: EventFile
  private var isBegun: Bool
  private var hasFailed = false

  /// How many images the projector shows at most.
  private static let mostProjected = 1_000

  /// A new file of events in a directory, which may have earlier ones.
  ///
  /// - Parameters:
  ///   - directory: A directory that exists; its name is that of the run in TensorBoard.
  ///   - interval: Every how many steps numbers are written, besides those of the last step.
  ///   - step: The step that a training goes on after. What earlier files have of later steps no
  ///     longer counts: they come again. Nil if the training begins anew.
  ///   - projected: Images of shape [height, width, channels] whose features the embedding projector
  ///     shows after the training, a random 1,000 of them if there are more. Those that are trained
  ///     on when it is nil.
  ///   - size: The height and width that they are brought to before the network sees them; as they
  ///     are when it is nil.
  ///   - channels: The one or three channels of images that are shown; the first three if it is nil,
  ///     or the first where there are fewer.
  /// - Throws: `FileError` if the file cannot be written.
  public init(
    in directory: String, everySteps interval: Int = 20, after step: Int? = nil,
    projecting projected: (any ImageDataset)? = nil, size: (any Size2DConvertible)? = nil,
    showing channels: [Int]? = nil
  ) throws {
    precondition(interval > 0, "TensorBoardLog needs an interval of 1 or more; got \(interval)")
    self.directory = directory
    self.interval = interval
    (self.projected, self.size, self.channels) = (projected, size?.size2D, channels)
    file = try EventFile(in: directory, after: step ?? 0)
    isBegun = step != nil
  }

  /// Whether a file of this name in a run's directory is one of those that are written here.
  package static func writes(_ name: String) -> Bool {
    name.hasPrefix(EventFile.prefix) || EmbeddingProjector.fileNames.contains(name)
  }

  /// Writes a step's numbers, those of its evaluations and, at the first step, the views.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent] {
    do {
      try writeNumbers(report, last: trainer.stepCount)
      if !isBegun {
        isBegun = true
        try writeViews(trainer, step: report.step - 1)
      }
      hasFailed = false
      return []
    } catch let error as FileError {
      defer { hasFailed = true }
      return hasFailed ? [] : [.notWritten(error)]
    }
  }

  private mutating func writeNumbers(_ report: StepReport, last: Int) throws {
    var numbers: [(tag: String, value: Float)] = []
    if (report.step - 1).isMultiple(of: interval) || report.step == last {
      numbers = report.numbers
    }
    for case .evaluation(let metrics) in report.events {
      numbers += metrics.map { ("evaluation/" + $0.name, $0.value) }
    }
    guard !numbers.isEmpty else { return }
    try file.write(
      .summary(numbers.map { .scalar(tag: $0.tag, $0.value) }), step: report.step)
  }

  private mutating func writeViews(_ trainer: Trainer, step: Int) throws {
    let images = trainer.loader.dataset
    guard images.imageShape.rank == 3 else { return }
    let grid = trainer.learner.viewGrid(of: images, channels: channels).image
    let picture = EventRecord.Value.picture(
      tag: "views", size: grid.size, png: try grid.pngFile(for: file.path))
    try file.write(.summary([picture]), step: step)
  }

  /// Writes what the embedding projector shows, unless features are NaN or infinite.
  ///
  /// - Throws: `FileError` if it cannot be written.
  public mutating func trainingEnded(_ trainer: Trainer) throws {
    let all = projected ?? trainer.loader.dataset
    var stream = RandomStream(seed: 0)
    let images = all.sampled(min(all.count, Self.mostProjected), using: &stream)
    let features = images.features { images in
      let images = size.map { resized(images, to: $0) } ?? images
      return trainer.learner.embedding(of: images).flattened(from: 1)
    }
    guard features.isFinite else { return }
    // Somebody may have removed it.
    try makeDirectory(at: directory)
    try EmbeddingProjector(features: features, images: images, channels: channels)
      .write(to: directory)
  }
}

extension StepReport {
  /// The numbers of a step, in the groups that TensorBoard makes of what stands before the slash.
  fileprivate var numbers: [(tag: String, value: Float)] {
    [
      ("train/loss", loss), ("train/learning_rate", learningRate),
      ("train/gradient_norm", gradientNorm), ("projections/spread", statistics.projectionStd),
      ("projections/dead_share", statistics.deadFraction),
      ("projections/effective_rank", statistics.effectiveRank),
    ] + metrics.map { ("method/" + $0.name, $0.value) } + [
      ("speed/images_per_second", Float(imagesPerSecond)), ("speed/wait_share", Float(waitShare)),
    ]
  }
}
