import Arguments
import Datasets
import Files
import Nets
import SelfSupervised
import Training

/// The network that a run begins with: what the command line says, what `--weights` holds, or what
/// the run had.
struct StartingNetwork {
  let architecture: NetworkArchitecture
  private let weights: GivenWeights?
  /// Whether the run's first weights are known: not where their file is gone.
  let knowsStart: Bool

  /// The network of a run on these images.
  ///
  /// - Throws: `UsageError` if the weights are for other images.
  init(
    _ choice: NetworkChoice, _ options: Options, _ weights: GivenWeights?, _ source: Source
  ) throws {
    self.weights = weights
    knowsStart = options.weights == nil || weights != nil
    let channels = source.training.imageShape[2]
    architecture = choice.architecture(
      imageSize: source.imageSize, channels: channels, multiple: source.sizeMultiple)
    let isGiven = options.former == nil && options.replay == nil
    if isGiven, let weights, weights.architecture.inputChannels != channels {
      throw UsageError(
        "--weights needs a network for images of \(counted(channels, "channel")), which the data "
          + "have; \(weights.path) is of \(weights.architecture)")
    }
  }

  /// A network with new weights.
  func makeFromScratch() -> any Module { architecture() }

  /// The network before its first step.
  ///
  /// - Throws: `StateError` if the file's weights do not fit.
  func make() throws -> any Module {
    let net = makeFromScratch()
    try weights?.load(into: net)
    return net
  }

  /// What the network is called, and its sizes.
  var words: (name: String, sizes: String) {
    switch architecture {
    case .resNet(let net):
      (net.depth.rawValue, "width \(net.width), \(net.stem.text) stem")
    case .visionTransformer(let net):
      (
        architecture.name?.rawValue ?? "a vision transformer",
        "width \(net.width), depth \(net.depth), \(counted(net.headCount, "head")), patches of "
          + "\(net.patchSize)x\(net.patchSize)"
      )
    }
  }
}

/// The file of `--weights`.
struct GivenWeights {
  let path: String
  let architecture: NetworkArchitecture
  private let state: StateDict
  /// Whether what is taken is printed.
  private let isNew: Bool

  /// The file, if the command line names one; nil too if a run goes on and the file is gone, of
  /// which only the comparison with the first weights suffers.
  ///
  /// - Throws: `UsageError` if the command line contradicts the file, `FileError` and `StateError`
  ///   if it cannot be read or is of no network of this program.
  init?(_ options: Options) throws {
    guard let path = options.weights else { return nil }
    isNew = options.former == nil && options.replay == nil
    do {
      state = try StateDict(contentsOf: path)
    } catch let error as FileError where !isNew {
      say("\(error). The network is not compared with what it began with")
      return nil
    }
    self.path = path
    if isNew, let broken = state.entries.first(where: { !$0.value.isFinite }) {
      throw FileError(
        path: path, reason: "needs finite numbers; \(broken.name) has others", kind: .damaged)
    }
    architecture = try naming(path) { [state] in try NetworkArchitecture(of: state) }
    if isNew { try check(against: options) }
  }

  private func check(against options: Options) throws {
    try check("--net", options.net, architecture.name) { $0.rawValue }
    let (width, stem, patch): (Int?, ResNet.Stem?, Int?) =
      switch architecture {
      case .resNet(let net): (net.width, net.stem, nil)
      case .visionTransformer(let net): (net.width, nil, net.patchSize)
      }
    try check("--width", options.width, width) { "\($0)" }
    try check("--stem", options.stem, stem) { $0.text }
    try check("--patch", options.patch, patch) { "\($0)" }
    if options.net == nil || (options.width == nil && options.patch == nil) {
      say("\(path) is of \(architecture)")
    }
  }

  private func check<Value: Equatable>(
    _ flag: String, _ asked: Value?, _ found: Value?, _ text: (Value) -> String
  ) throws {
    guard let asked, asked != found else { return }
    throw UsageError(
      "\(flag) \(text(asked)) contradicts --weights: \(path) is of \(architecture). Leave \(flag) "
        + "out, or take other weights")
  }

  /// Brings the weights into a network, and prints what was taken.
  func load(into net: any Module) throws {
    let load = try naming(path) { try net.loadPretrained(state) }
    var rest = ""
    if let net = net as? VisionTransformer, !BackboneFile.seesPlainImages(state.metadata),
      net.architecture.inputChannels == Normalize.imageNet.mean.count
    {
      net.absorbNormalization(
        mean: Normalize.imageNet.mean,
        standardDeviation: Normalize.imageNet.standardDeviation)
      rest = "; ImageNet's normalization of images is part of the network now"
    }
    if isNew { say("\(path): \(load)\(rest)") }
  }
}
