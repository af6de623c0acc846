/// The names that programs have for networks: `resnet18`, `vit-small`.
package enum NetworkName: Sendable, Hashable, CaseIterable, RawRepresentable {
  case resNet(ResNet.Depth)
  case visionTransformer(VisionTransformer.Size)

  package static var allCases: [NetworkName] {
    ResNet.Depth.allCases.map { .resNet($0) }
      + VisionTransformer.Size.allCases.map { .visionTransformer($0) }
  }

  package var rawValue: String {
    switch self {
    case .resNet(let depth): depth.rawValue
    case .visionTransformer(let size): "vit-\(size.rawValue)"
    }
  }

  package init?(rawValue: String) {
    guard let name = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = name
  }
}

extension NetworkArchitecture {
  /// The name of such a network; nil for a transformer of other sizes than the named ones.
  package var name: NetworkName? {
    switch self {
    case .resNet(let architecture): .resNet(architecture.depth)
    case .visionTransformer(let architecture):
      VisionTransformer.Size.allCases
        .first { $0.width == architecture.width && $0.depth == architecture.depth }
        .map { .visionTransformer($0) }
    }
  }
}
