import Tensor

extension ResNet {
  /// What a residual network is made of, without its numbers.
  ///
  /// ```swift
  /// let architecture = try ResNet.Architecture(of: StateDict(contentsOf: "resnet50.pth"))
  /// let net = architecture(classCount: 10)
  /// ```
  public struct Architecture: Sendable, Hashable {
    /// The number and the kind of the residual blocks.
    public var depth: Depth
    /// What stands before the blocks.
    public var stem: Stem
    /// The channels of the first resolution.
    public var width: Int
    /// The channels of the images.
    public var inputChannels: Int
    /// How activations are normalised.
    public var norm: Norm

    /// An architecture; torchvision's unless something else is said.
    public init(
      depth: Depth, stem: Stem = .imageNet, width: Int = 64, inputChannels: Int = 3,
      norm: Norm = .batch
    ) {
      (self.depth, self.stem, self.width) = (depth, stem, width)
      (self.inputChannels, self.norm) = (inputChannels, norm)
    }

    /// A network with new weights.
    public func callAsFunction(classCount: Int = 1_000) -> ResNet {
      ResNet(
        depth: depth, stem: stem, width: width, inputChannels: inputChannels,
        classCount: classCount, norm: norm)
    }
  }
}

extension ResNet.Architecture: CustomStringConvertible {
  /// In words: "resnet50 of width 64 with the imagenet stem for images of 3 channels".
  public var description: String {
    let norm = norm == .batch ? "" : ", \(self.norm.text)"
    return "\(depth.rawValue) of width \(width) with the \(stem.text) stem for images of "
      + "\(inputChannels) channel\(inputChannels == 1 ? "" : "s")\(norm)"
  }
}

// MARK: - In a file's metadata

extension ResNet.Architecture {
  private enum Key {
    static let (depth, stem, width) = ("network", "stem", "width")
    static let (inputChannels, norm) = ("input_channels", "norm")
  }

  /// The words under which files say what they hold: `network` (`resnet18`), `stem` (`imagenet` or
  /// `small`), `width`, `input_channels` and `norm` (`batch`, `group 8` or `group_standardized 8`).
  public var metadata: [String: String] {
    [
      Key.depth: depth.rawValue, Key.stem: stem.text, Key.width: "\(width)",
      Key.inputChannels: "\(inputChannels)", Key.norm: norm.text,
    ]
  }

  /// What a file's words say; nil if they do not say it all.
  public init?(metadata: [String: String]) {
    guard let depth = metadata[Key.depth].flatMap(ResNet.Depth.init),
      let stem = metadata[Key.stem].flatMap(ResNet.Stem.init(text:)),
      let width = metadata[Key.width].flatMap({ Int($0) }), (1...1 << 20).contains(width),
      let channels = metadata[Key.inputChannels].flatMap({ Int($0) }), channels > 0,
      let norm = metadata[Key.norm].flatMap(ResNet.Norm.init(text:))
    else { return nil }
    self.init(depth: depth, stem: stem, width: width, inputChannels: channels, norm: norm)
  }
}

extension ResNet.Stem {
  /// A word for it in files and on command lines.
  package var text: String { rawValue.lowercased() }

  /// The stem of a word.
  package init?(text: String) {
    guard let stem = [Self.imageNet, .small].first(where: { $0.text == text }) else { return nil }
    self = stem
  }
}

extension ResNet.Norm {
  fileprivate var text: String {
    switch self {
    case .batch: "batch"
    case .group(let groups): "group \(groups)"
    case .groupStandardized(let groups): "group_standardized \(groups)"
    }
  }

  fileprivate init?(text: String) {
    let words = text.split(separator: " ")
    switch (words.first, words.dropFirst().first.flatMap { Int($0) }) {
    case ("batch", nil): self = .batch
    case ("group", let groups?) where groups > 0: self = .group(groups)
    case ("group_standardized", let groups?) where groups > 0: self = .groupStandardized(groups)
    default: return nil
    }
  }
}
