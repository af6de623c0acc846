/// The methods that a recipe can train with.
public enum MethodName: String, CaseIterable, Sendable {
  case byol, simsiam, simclr, nnclr, moco, dino
  case barlowTwins = "barlow-twins"
  case vicreg, lejepa, pixelcl, distillation

  /// Whether the method takes local views beside the two large ones.
  public var takesLocalViews: Bool {
    switch self {
    case .byol, .simsiam, .simclr, .dino, .vicreg, .lejepa: true
    case .nnclr, .moco, .barlowTwins, .pixelcl, .distillation: false
    }
  }
}
