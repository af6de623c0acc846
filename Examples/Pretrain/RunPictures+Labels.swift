import Arguments
import Datasets
import SelfSupervised
import Training

extension RunPictures {
  /// Says what labels say of the network, beside raw pixels; and what it learns from a few labels of
  /// each class, if that is asked for.
  ///
  /// - Parameters:
  ///   - data: Labeled pictures as for a training; those of the run if it is nil.
  ///   - labels: A file with the classes of some of them.
  ///   - labelsPerClass: How many labels of a class the network is fine-tuned with.
  /// - Throws: `UsageError` if there are no labels, or too few, `FileError` if pictures cannot be read.
  func evaluate(
    data: [String]?, labels: String?, fineTuningWith labelsPerClass: Int?
  ) throws {
    let sets = try labeledSets(data, labels)
    let bankSize = Recipe(options.method, for: sets.kind).bankSize
    guard let (bank, queries) = sets.judged(bankSize: bankSize) else {
      throw UsageError(
        "evaluate needs labels, and there are none with "
          + "\((data ?? options.dataPaths).joined(separator: ", ")); give it --labels FILE, or --data with a "
          + "directory for each class")
    }
    say(sets.judges(bankSize: bankSize))
    try options.withCompute {
      let judge = KNNEvaluator(bank: bank, queries: queries, size: imageSize)
      let shape = TensorShape([imageSize.height, imageSize.width, channels])
      let backbone = Backbone(net, hiddenLayers: [architecture.featureLayer], inputShape: shape)
      let trained = try net.evaluating { try judge.scores { backbone($0) } }
      say(ScoreTable([("trained", trained), ("raw pixels", try judge.scoresOfPixels())]).text)
      if let labelsPerClass { try fineTune(with: labelsPerClass, bank, queries) }
    }
  }

  /// The pictures of the run or of `data`, with their labels or those of a file.
  func labeledSets(_ data: [String]?, _ labels: String?) throws -> ImageSets {
    var options = options
    if let data { (options.dataPaths, options.labels) = (data, nil) }
    if let labels { options.labels = labels }
    try options.checkLabels()
    let sets = try ImageSets(options)
    try checkChannels(of: sets, named: options.data)
    return sets
  }

  private func fineTune(
    with labelsPerClass: Int, _ bank: any ImageDataset, _ queries: any ImageDataset
  ) throws {
    let counts = Dictionary(grouping: bank.labels) { $0 }.mapValues(\.count)
    let fewest = bank.classNames.indices.map { counts[$0] ?? 0 }.min() ?? 0
    guard labelsPerClass <= fewest else {
      throw UsageError(
        fewest == 0
          ? "--fine-tune needs labels of every class beside those that evaluate; of one there are none"
          : "--fine-tune needs at most \(fewest) labels of a class, which its smallest one has; got "
            + "\(labelsPerClass)")
    }
    let labels = "with \(counted(labelsPerClass, "label")) of a class"
    say("fine-tunes the network \(labels), and one from scratch, which takes a minute or more")
    let scores = try architecture.fineTuning.compare(
      net, with: { architecture() }, hiddenLayer: architecture.featureLayer, bank: bank,
      queries: queries, imageSize: imageSize, labelsPerClass: labelsPerClass, seed: options.seed)
    for (name, score) in [("fine-tuned", scores.fineTuned), ("from scratch", scores.fromScratch)] {
      say(String(format: "%.3f ± %.3f  ", score.mean, score.deviation) + "\(name) \(labels)")
    }
  }
}

extension NetworkArchitecture {
  /// The settings that suit the network.
  fileprivate var fineTuning: FineTuning {
    if case .visionTransformer = self { .transformer } else { FineTuning() }
  }
}
