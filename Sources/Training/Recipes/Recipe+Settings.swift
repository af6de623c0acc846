/// A number of a recipe that a command line or a sweep can change by its name.
public struct RecipeSetting: Sendable {
  /// Its name, as in `temperature`.
  public let name: String
  /// What it may be.
  public let range: ClosedRange<Float>
  /// The methods that read it.
  public let methods: Set<MethodName>
  /// Whether it is a whole number.
  public let isWhole: Bool
  private let set: @Sendable (inout Recipe, Float) -> Void

  /// Gives a recipe another number.
  public func apply(_ value: Float, to recipe: inout Recipe) { set(&recipe, value) }

  private init(
    _ name: String, _ range: ClosedRange<Float>, of methods: [MethodName] = MethodName.allCases,
    _ set: @escaping @Sendable (inout Recipe, Float) -> Void
  ) {
    (self.name, self.range, isWhole, self.set) = (name, range, false, set)
    self.methods = Set(methods)
  }

  private init(
    _ name: String, _ range: ClosedRange<Float>, of methods: [MethodName] = MethodName.allCases,
    whole set: @escaping @Sendable (inout Recipe, Int) -> Void
  ) {
    (self.name, self.range, isWhole) = (name, range, true)
    self.methods = Set(methods)
    self.set = { set(&$0, Int($1)) }
  }

  private static let hidden = MethodName.allCases.filter {
    ![.barlowTwins, .vicreg, .distillation].contains($0)
  }

  /// All settings, in the order of a recipe's properties, but for what `pretrain` has flags for.
  public static let all: [RecipeSetting] = [
    RecipeSetting("view-share", 0.1...2) { $0.viewShare = $1 },
    RecipeSetting("weight-decay", 0...1) { $0.optimizer.weightDecay = $1 },
    RecipeSetting("predictor-rate", 1e-3...1e3, of: [.byol, .simsiam]) { $0.predictorRate = $1 },
    RecipeSetting("warm-up", 0...0.9) { $0.warmUp = $1 },
    RecipeSetting(
      "projection-size", 2...65_536, of: MethodName.allCases.filter { $0 != .distillation },
      whole: { $0.projectionSize = $1 }),
    RecipeSetting(
      "hidden-size", 2...65_536, of: hidden, whole: { $0.projectionHiddenSize = $1 }),
    RecipeSetting(
      "normalizes-projections", 0...1, of: [.byol],
      whole: { $0.normalizesProjections = $1 == 1 }),
    RecipeSetting("temperature", 1e-3...100, of: [.simclr, .nnclr, .moco]) { $0.temperature = $1 },
    RecipeSetting("decoupled", 0...1, of: [.simclr], whole: { $0.isDecoupled = $1 == 1 }),
    RecipeSetting("queue", 1...1_000_000, of: [.nnclr, .moco], whole: { $0.queueSize = $1 }),
    RecipeSetting("moving-average", 0...1, of: [.byol, .moco, .pixelcl]) {
      $0.movingAverageDecay = $1
    },
    RecipeSetting("flip", 0...1) { $0.flipProbability = $1 },
    RecipeSetting("brightness", 0...10) { $0.colors.brightness = $1 },
    RecipeSetting("contrast", 0...10) { $0.colors.contrast = $1 },
    RecipeSetting("saturation", 0...10) { $0.colors.saturation = $1 },
    RecipeSetting("hue", 0...0.5) { $0.colors.hue = $1 },
    RecipeSetting("jitter", 0...1) { $0.colors.jitterProbability = $1 },
    RecipeSetting("gray", 0...1) { $0.colors.grayProbability = $1 },
    RecipeSetting("blur", 0...1) { $0.colors.blurProbability = $1 },
    RecipeSetting("cutout", 0...1) { $0.colors.cutoutProbability = $1 },
  ]
}
