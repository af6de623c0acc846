import Arguments
import Files
import Nets
import SelfSupervised
import Training

/// What is known of a run's network before its images are read: that of a run that goes on, that of
/// `--weights`, or what the command line says.
struct NetworkChoice {
  private let known: NetworkArchitecture?
  private let name: NetworkName
  private let options: Options

  /// From images of so many pixels on the stem is torchvision's: that of small images keeps their
  /// size, so that each step takes ten times as long.
  private static let smallestForImageNet = 96

  /// The choice of a command line.
  ///
  /// - Throws: `UsageError` if it contradicts itself, `StateError` if a checkpoint has no network.
  init(_ options: Options, _ weights: GivenWeights?) throws {
    self.options = options
    if let checkpoint = options.former?.checkpoint ?? options.replay?.checkpoint {
      // What it has knows better than the command line, which an earlier version took otherwise.
      var state = checkpoint.network
      state.metadata = (try? RunNote(checkpoint, path: "").network) ?? [:]
      known = try NetworkArchitecture(of: state)
    } else {
      known = weights?.architecture
    }
    name = known?.name ?? options.net ?? .resNet(.resNet10)
    if known == nil { try check() }
    if isTransformer, options.method == .pixelcl {
      throw UsageError(
        "--method pixelcl needs a network of convolutions, whose maps it compares; a vision "
          + "transformer has none")
    }
  }

  private func check() throws {
    let (given, needed) =
      isTransformer
      ? (options.width != nil ? "--width" : options.stem != nil ? "--stem" : nil, "resnet10")
      : (options.patch != nil ? "--patch" : nil, "vit-tiny")
    guard let given else { return }
    throw UsageError(
      "\(given) needs a network that has it, such as --net \(needed); the network is "
        + name.rawValue)
  }

  /// Whether the network is a vision transformer.
  var isTransformer: Bool {
    if case .visionTransformer = name { return true }
    if case .visionTransformer? = known { return true }
    return false
  }

  /// What suits the network where the command line does not say; the recipe's if it is nil. The rates
  /// of recipes with SGD are for convolutions.
  var optimizer: OptimizerChoice? { isTransformer ? .transformer : nil }

  /// What the sizes of the images are multiples of.
  func sizeMultiple(for imageSize: Size2D) -> SizeMultiple {
    if let known { return SizeMultiple(known.sizeMultiple) }
    return SizeMultiple(isTransformer ? patch(for: imageSize) : 1)
  }

  /// About eight patches along each side.
  private func patch(for imageSize: Size2D) -> Int {
    let side = min(imageSize.height, imageSize.width)
    return options.patch ?? (side >= 128 ? 16 : side >= 64 ? 8 : 4)
  }

  /// The network for images of this size, of so many channels and of whole patches.
  func architecture(
    imageSize: Size2D, channels: Int, multiple: SizeMultiple
  ) -> NetworkArchitecture {
    if let known { return known }
    switch name {
    case .resNet(let depth):
      let isSmall = min(imageSize.height, imageSize.width) < Self.smallestForImageNet
      return .resNet(
        ResNet.Architecture(
          depth: depth, stem: options.stem ?? (isSmall ? .small : .imageNet),
          width: options.width ?? 16, inputChannels: channels))
    case .visionTransformer(let size):
      // Not that of this size, which may have become another multiple.
      let patch = multiple.pixels
      var architecture = VisionTransformer.Architecture(
        patchSize: patch, width: size.width, depth: size.depth,
        grid: Size2D(height: imageSize.height / patch, width: imageSize.width / patch))
      architecture.inputChannels = channels
      return .visionTransformer(architecture)
    }
  }
}

/// What the height and width of images are multiples of: the side of a transformer's patches.
struct SizeMultiple {
  let pixels: Int

  init(_ pixels: Int) { self.pixels = pixels }

  /// A size that was asked for, or another one, which becomes a multiple.
  ///
  /// - Throws: `UsageError` if what was asked for is none.
  func size(_ flag: String, _ asked: Int?, else other: Size2D) throws -> Size2D {
    if let asked {
      guard asked.isMultiple(of: pixels) else {
        throw UsageError(
          "\(flag) needs a multiple of \(pixels), the side of the network's patches; got \(asked)")
      }
      return Size2D(asked)
    }
    func side(_ length: Int) -> Int { max(1, (length + pixels / 2) / pixels) * pixels }
    return pixels == 1 ? other : Size2D(height: side(other.height), width: side(other.width))
  }
}
