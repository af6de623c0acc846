import Tensor

/// A network of this package that a file of weights can be of, without its numbers.
///
/// ```swift
/// let state = try StateDict(contentsOf: "dinov2_vits14_pretrain.pth")
/// let net = try NetworkArchitecture(of: state)()
/// print(try net.loadPretrained(state))
/// ```
public enum NetworkArchitecture: Sendable, Hashable {
  /// A residual network.
  case resNet(ResNet.Architecture)
  /// A vision transformer.
  case visionTransformer(VisionTransformer.Architecture)

  /// The network that a state is of, by its metadata, or else by names and shapes.
  ///
  /// - Throws: `StateError` if it is of none.
  public init(of state: StateDict) throws {
    self =
      VisionTransformer.Architecture.part(of: state) == nil
      ? .resNet(try ResNet.Architecture(of: state))
      : .visionTransformer(try VisionTransformer.Architecture(of: state))
  }

  /// A network with new weights.
  public func callAsFunction(classCount: Int = 1_000) -> any Module {
    switch self {
    case .resNet(let architecture): architecture(classCount: classCount)
    case .visionTransformer(let architecture): architecture(classCount: classCount)
    }
  }

  /// The network in a file, with its weights; a classifier that the file has none of is new.
  ///
  /// - Throws: `FileError` if the file cannot be read, `StateError` if it holds no such network.
  public static func network(
    contentsOf path: String
  ) throws -> (architecture: NetworkArchitecture, net: any Module) {
    let state = try StateDict(contentsOf: path)
    let architecture = try naming(path) { try NetworkArchitecture(of: state) }
    return switch architecture {
    case .resNet: (architecture, try ResNet(of: state, from: path))
    case .visionTransformer: (architecture, try VisionTransformer(of: state, from: path))
    }
  }

  /// The channels of the images.
  public var inputChannels: Int {
    switch self {
    case .resNet(let architecture): architecture.inputChannels
    case .visionTransformer(let architecture): architecture.inputChannels
    }
  }

  /// The layer of an image's features, in front of the classifier.
  public var featureLayer: HiddenLayer {
    switch self {
    case .resNet: "avgpool"
    case .visionTransformer(let architecture): architecture.normalizesPooled ? "fc_norm" : "pool"
    }
  }

  /// The name of the classifier.
  public var classifier: String {
    switch self {
    case .resNet: "fc"
    case .visionTransformer: "head"
    }
  }

  /// What the height and width of images are multiples of.
  public var sizeMultiple: Int {
    switch self {
    case .resNet: 1
    case .visionTransformer(let architecture): architecture.patchSize
    }
  }

  /// The words under which files say what they hold.
  public var metadata: [String: String] {
    switch self {
    case .resNet(let architecture): architecture.metadata
    case .visionTransformer(let architecture): architecture.metadata
    }
  }

  /// The type that reads such a file by itself: `ResNet` or `VisionTransformer`.
  public var typeName: String {
    switch self {
    case .resNet: "\(ResNet.self)"
    case .visionTransformer: "\(VisionTransformer.self)"
    }
  }
}

extension NetworkArchitecture: CustomStringConvertible {
  /// The network in words.
  public var description: String {
    switch self {
    case .resNet(let architecture): "\(architecture)"
    case .visionTransformer(let architecture): "\(architecture)"
    }
  }
}
