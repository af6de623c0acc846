import Arguments
import Datasets
import Files
import Nets
import SelfSupervised
import Training

/// The network that a run begins with: what the command line says, what `--weights` holds, or what
/// the run had.
struct StartingNetwork {
  let architecture: ResNet.Architecture
  private let weights: GivenWeights?
  /// Whether the run's first weights are known: not where their file is gone.
  let knowsStart: Bool

  /// From images of so many pixels on the stem is torchvision's: that of small images keeps their
  /// size, so that each step takes ten times as long.
  private static let smallestForImageNet = 96

  /// The network of a run on images of so many channels.
  ///
  /// - Throws: `UsageError` if the weights are for other images, `StateError` if a checkpoint has no
  ///   such network.
  init(
    _ options: Options, _ weights: GivenWeights?, imageSize: Size2D, channels: Int
  ) throws {
    self.weights = weights
    knowsStart = options.weights == nil || weights != nil
    if let checkpoint = options.former?.checkpoint ?? options.replay?.checkpoint {
      // What it has knows better than the command line, which an earlier version took otherwise.
      var state = checkpoint.network
      state.metadata = (try? RunNote(checkpoint, path: "").network) ?? [:]
      architecture = try ResNet.Architecture(of: state)
    } else if let weights {
      architecture = weights.architecture
      guard architecture.inputChannels == channels else {
        throw UsageError(
          "--weights needs a network for images of \(counted(channels, "channel")), which the data "
            + "have; \(weights.path) is of \(architecture)")
      }
    } else {
      let isSmall = min(imageSize.height, imageSize.width) < Self.smallestForImageNet
      architecture = ResNet.Architecture(
        depth: options.net ?? .resNet10, stem: options.stem ?? (isSmall ? .small : .imageNet),
        width: options.width ?? 16, inputChannels: channels)
    }
  }

  /// A network with new weights.
  func makeFromScratch() -> ResNet { architecture() }

  /// The network before its first step.
  ///
  /// - Throws: `StateError` if the file's weights do not fit.
  func make() throws -> ResNet {
    let net = makeFromScratch()
    try weights?.load(into: net)
    return net
  }
}

/// The file of `--weights`.
struct GivenWeights {
  let path: String
  let architecture: ResNet.Architecture
  private let state: StateDict
  /// Whether what is taken is printed.
  private let isNew: Bool

  /// The file, if the command line names one; nil too if a run goes on and the file is gone, of
  /// which only the comparison with the first weights suffers.
  ///
  /// - Throws: `UsageError` if the command line contradicts the file, `FileError` and `StateError`
  ///   if it cannot be read or is of no residual network.
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
    architecture = try naming(path) { [state] in try ResNet.Architecture(of: state) }
    if isNew { try check(against: options) }
  }

  private func check(against options: Options) throws {
    try check("--net", options.net, architecture.depth) { $0.rawValue }
    try check("--width", options.width, architecture.width) { "\($0)" }
    try check("--stem", options.stem, architecture.stem) { $0.text }
    if options.net == nil || options.width == nil || options.stem == nil {
      say("\(path) is of \(architecture)")
    }
  }

  private func check<Value: Equatable>(
    _ flag: String, _ asked: Value?, _ found: Value, _ text: (Value) -> String
  ) throws {
    guard let asked, asked != found else { return }
    throw UsageError(
      "\(flag) \(text(asked)) contradicts --weights: \(path) is of \(architecture). Leave \(flag) "
        + "out, or take other weights")
  }

  /// Brings the weights into a network, and prints what was taken.
  func load(into net: ResNet) throws {
    let load = try naming(path) { try net.loadPretrained(state) }
    if isNew { say("\(path): \(load)") }
  }
}
