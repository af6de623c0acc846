/// The methods that a recipe can train with.
public enum MethodName: String, CaseIterable, Sendable {
  case byol, simsiam, simclr, nnclr, moco
  case barlowTwins = "barlow-twins"
  case vicreg, pixelcl
}
