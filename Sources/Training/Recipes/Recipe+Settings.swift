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
  private let get: @Sendable (Recipe) -> Float
  private let set: @Sendable (inout Recipe, Float) -> Void

  /// The number that a recipe has; 0 or 1 for what it does or does not.
  public func value(in recipe: Recipe) -> Float { get(recipe) }

  /// Gives a recipe another number.
  public func apply(_ value: Float, to recipe: inout Recipe) { set(&recipe, value) }

  private typealias Path<Value> = WritableKeyPath<Recipe, Value> & Sendable

  private init(
    _ name: String, _ range: ClosedRange<Float>, of methods: [MethodName] = MethodName.allCases,
    _ path: Path<Float>
  ) {
    (self.name, self.range, isWhole, self.methods) = (name, range, false, Set(methods))
    get = { $0[keyPath: path] }
    set = { $0[keyPath: path] = $1 }
  }

  private init(
    _ name: String, _ range: ClosedRange<Float>, of methods: [MethodName] = MethodName.allCases,
    _ path: Path<Int>
  ) {
    (self.name, self.range, isWhole, self.methods) = (name, range, true, Set(methods))
    get = { Float($0[keyPath: path]) }
    set = { $0[keyPath: path] = Int($1) }
  }

  private init(_ name: String, of methods: [MethodName], _ path: Path<Bool>) {
    (self.name, range, isWhole, self.methods) = (name, 0...1, true, Set(methods))
    get = { $0[keyPath: path] ? 1 : 0 }
    set = { $0[keyPath: path] = $1 == 1 }
  }

  private static let hidden = MethodName.allCases.filter {
    ![.barlowTwins, .vicreg, .distillation].contains($0)
  }

  /// All settings, in the order of a recipe's properties, but for what `pretrain` has flags for.
  public static let all: [RecipeSetting] = [
    RecipeSetting("view-share", 0.1...2, \.viewShare),
    RecipeSetting("weight-decay", 0...1, \.optimizer.weightDecay),
    RecipeSetting("predictor-rate", 1e-3...1e3, of: [.byol, .simsiam], \.predictorRate),
    RecipeSetting("warm-up", 0...0.9, \.warmUp),
    RecipeSetting(
      "projection-size", 2...65_536, of: MethodName.allCases.filter { $0 != .distillation },
      \.projectionSize),
    RecipeSetting("hidden-size", 2...65_536, of: hidden, \.projectionHiddenSize),
    RecipeSetting("normalizes-projections", of: [.byol, .dino], \.normalizesProjections),
    RecipeSetting("temperature", 1e-3...100, of: [.simclr, .nnclr, .moco, .dino], \.temperature),
    RecipeSetting("decoupled", of: [.simclr], \.isDecoupled),
    RecipeSetting("queue", 1...1_000_000, of: [.nnclr, .moco], \.queueSize),
    RecipeSetting("prototypes", 2...1_000_000, of: [.dino], \.prototypeCount),
    RecipeSetting("target-temperature", 1e-3...100, of: [.dino], \.targetTemperature),
    RecipeSetting(
      "moving-average", 0...1, of: [.byol, .moco, .dino, .pixelcl], \.movingAverageDecay),
    RecipeSetting("flip", 0...1, \.flipProbability),
    RecipeSetting("brightness", 0...10, \.colors.brightness),
    RecipeSetting("contrast", 0...10, \.colors.contrast),
    RecipeSetting("saturation", 0...10, \.colors.saturation),
    RecipeSetting("hue", 0...0.5, \.colors.hue),
    RecipeSetting("jitter", 0...1, \.colors.jitterShare),
    RecipeSetting("gray", 0...1, \.colors.grayProbability),
    RecipeSetting("blur", 0...1, \.colors.blurProbability),
    RecipeSetting("cutout", 0...1, \.colors.cutoutProbability),
  ]
}

extension ViewColors {
  /// The share of views whose colors change.
  fileprivate var jitterShare: Float {
    get { jitterProbability ?? 1 }
    set { jitterProbability = newValue }
  }
}
