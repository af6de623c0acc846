import Arguments
import Datasets
import Files
import SelfSupervised
import Training

/// The network that a run begins with: what the command line says, what `--weights` holds, or what
/// the run had.
struct StartingNetwork {
  let architecture: ResNet.Architecture
  /// The file of `--weights`; nil without one, or if a run goes on and the file is gone.
  let weights: StateDict?
  /// What the command line leaves open and the file says, in words; nil if that is nothing.
  let inference: String?
  /// Whether the run's first weights are known: not where their file is gone.
  let knowsStart: Bool

  /// From views of so many pixels on the stem is torchvision's: that of small images keeps their
  /// size, so that each step takes ten times as long.
  private static let smallestForImageNet = 96

  /// The network of a run.
  ///
  /// - Throws: `UsageError` if the command line contradicts the file or the data, `FileError` and
  ///   `StateError` if the file cannot be read or is of no such network.
  init(_ options: Options, viewSize: Size2D, channels: Int) throws {
    if let checkpoint = options.former?.checkpoint ?? options.replay?.checkpoint {
      // Its shapes know better than the command line of an earlier version.
      architecture = try ResNet.Architecture(of: checkpoint.network)
      weights = options.weights.flatMap { try? StateDict(contentsOf: $0) }
      inference = nil
      knowsStart = options.weights == nil || weights != nil
      return
    }
    knowsStart = true
    guard let path = options.weights else {
      let isSmall = min(viewSize.height, viewSize.width) < Self.smallestForImageNet
      architecture = ResNet.Architecture(
        depth: options.net ?? .resNet10, stem: options.stem ?? (isSmall ? .small : .imageNet),
        width: options.width ?? 16, inputChannels: channels)
      (weights, inference) = (nil, nil)
      return
    }
    let state = try StateDict(contentsOf: path)
    weights = state
    do {
      architecture = try ResNet.Architecture(of: state)
    } catch var error as StateError {
      error.path = path
      throw error
    }
    try Self.check(architecture, of: path, against: options, channels)
    let isSaid = options.net != nil && options.width != nil && options.stem != nil
    inference = isSaid ? nil : "\(path) is of \(architecture)"
  }

  private static func check(
    _ architecture: ResNet.Architecture, of path: String, against options: Options, _ channels: Int
  ) throws {
    func check<Value: Equatable>(
      _ flag: String, _ asked: Value?, _ found: Value, _ text: (Value) -> String
    ) throws {
      guard let asked, asked != found else { return }
      throw UsageError(
        "\(flag) \(text(asked)) contradicts --weights: \(path) is of \(architecture). Leave "
          + "\(flag) out, or take other weights")
    }
    try check("--net", options.net, architecture.depth) { $0.rawValue }
    try check("--width", options.width, architecture.width) { "\($0)" }
    try check("--stem", options.stem, architecture.stem) { $0.text }
    guard architecture.inputChannels == channels else {
      throw UsageError(
        "--weights needs a network for images of \(counted(channels, "channel")), which the data "
          + "have; \(path) is of \(architecture)")
    }
  }

  /// The network with new weights.
  func make() -> ResNet { architecture() }

  /// The network with what the file holds, if there is one; what was taken of it is printed.
  func makeWithWeights(from path: String?, prints: Bool) throws -> ResNet {
    let net = make()
    guard let weights, let path else { return net }
    do {
      let load = try net.loadPretrained(weights)
      if prints { say("\(path): \(load)") }
    } catch var error as StateError {
      error.path = path
      throw error
    }
    return net
  }
}
