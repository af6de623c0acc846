import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

/// Four networks that began alike, trained in four ways and judged by what their pixels know.
struct Comparison {
  private let options: Options
  private let side = 32
  private var size: Size2D { Size2D(side) }
  /// Five shapes and the background.
  private let classCount = 6
  private let shownScenes = 0..<4
  private let training: LabeledImages
  private let probing: Scenes
  private let testing: Scenes

  init(_ options: Options) {
    self.options = options
    let (side, classCount) = (side, classCount)
    func scenes(_ count: Int, part: UInt64) -> SegmentedShapes {
      SegmentedShapes(
        count: count, size: side, shapeKinds: classCount - 1, seed: 10 * options.seed + part)
    }
    training = scenes(options.images, part: 0).inMemory()
    probing = Scenes(scenes(min(800, options.images), part: 1))
    testing = Scenes(scenes(min(400, options.images), part: 2))
  }

  func run() throws {
    var columns = [shownScenes.map { PixelImage(testing.images[$0]) }, tiles(testing.labels)]
    // Drawn after each training, and before the first: a folder without rights costs nobody an
    // hour.
    try ImageGrid(columns: columns, magnification: 3).image.write(to: options.picture)
    say("| | all classes | background | shapes | spread of pixels |\n|---|---|---|---|---|")
    for way in options.ways {
      let net = withRandomSeed(options.seed) { ResNet.resNet10(stem: .small, width: 16) }
      let spread = try train(net, way)
      let (result, predictions) = judge(net)
      let shapes = result.ofClasses.dropFirst()
      let numbers = [
        result.mean, result.ofClasses[0], shapes.reduce(0, +) / Float(shapes.count), spread,
      ]
      let cells = numbers.map { $0.map { String(format: "%.3f", $0) } ?? "" }
      say("| \(way.rawValue) | \(cells.joined(separator: " | ")) |")
      columns.append(tiles(predictions))
      try ImageGrid(columns: columns, magnification: 3).image.write(to: options.picture)
    }
  }

  /// The classes of the pixels of the shown scenes, as images.
  private func tiles(_ labels: [Int]) -> [PixelImage] {
    shownScenes.map { scene in
      let labels = labels[(scene * side * side)..<((scene + 1) * side * side)]
      return PixelImage(
        Tensor(labels.flatMap { Self.colors[$0 % Self.colors.count] }, shape: [side, side, 3]))
    }
  }

  /// A colour for each class.
  private static let colors: [[Float]] = [
    [0.12, 0.12, 0.14], [0.90, 0.29, 0.24], [0.20, 0.60, 0.86], [0.95, 0.77, 0.06],
    [0.18, 0.80, 0.44], [0.61, 0.35, 0.71], [0.90, 0.49, 0.13], [0.10, 0.74, 0.61],
  ]

  /// Trains `net`; the spread of the last batch's pixels, if the learner knows it.
  private func train(_ net: ResNet, _ way: Way) throws -> Float? {
    guard let learner = way.learner(net, size: size, options) else {
      return nil
    }
    let (steps, rate) = (options.steps, options.learningRate)
    // PixPro's pixels become alike at first; at rates of Adam or SGD that suit other learners they
    // stay so.
    let optimizer = LARS(
      learner.parameterGroups(weightDecay: 1e-5), learningRate: rate, variant: .lightly)
    let loader = DataLoader(
      training, batchSize: 32, shuffled: true, dropsLast: true, seed: options.seed)
    let trainer = Trainer(learner, optimizer: optimizer, loader: loader, stepCount: steps)
    trainer.learningRate = CosineDecay(from: rate, over: steps).warmed(over: steps / 10)
    var spread: Float?
    try trainer.run { spread = $0.statistics.pixelStd }
    return spread
  }

  /// What a linear layer on the pixels' features says of the test scenes.
  private func judge(_ net: ResNet) -> (IntersectionOverUnion, predictions: [Int]) {
    func maps(_ scenes: Scenes) -> Tensor { featureMaps(of: scenes.images, at: Way.layer, in: net) }
    let probe = PixelProbe(
      maps(probing), labels: probing.labels, size: size, classCount: classCount, epochs: 15)
    let predictions = probe.predict(maps(testing))
    return (
      IntersectionOverUnion(of: predictions, labels: testing.labels, classCount: classCount),
      predictions
    )
  }
}

/// Scenes with the class of each of their pixels.
private struct Scenes {
  let images: Tensor
  /// The class of each pixel of all scenes, row by row.
  let labels: [Int]

  init(_ scenes: SegmentedShapes) {
    images = scenes.images(in: 0..<scenes.count)
    labels = scenes.labelMaps(at: Array(0..<scenes.count))
  }
}
