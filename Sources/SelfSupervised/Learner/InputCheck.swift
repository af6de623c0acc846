import Tensor

/// Looks at each batch that views are drawn of: mistakes in its layout or range would train a
/// network on noise without a sign.
///
/// One pass over the batch, some microseconds of a step.
struct InputCheck: Sendable {
  /// The learner, for messages.
  let name: String
  /// The channels of images; nil for other inputs.
  let channels: Int?
  /// Whether the augmentations know values 0...1 alone.
  let expectsUnitRange: Bool

  /// Resampling with cubic weights may leave 0...1 by this much.
  private static let overshoot: Float = 0.25

  func callAsFunction(_ inputs: Tensor) {
    if let channels { checkLayout(inputs.shape, channels) }
    let (least, largest) = inputs.extremes
    precondition(
      !least.isNaN,
      "\(name) needs images of finite numbers; some of this batch are NaN or infinite: the images are "
        + "to blame, not the training")
    guard expectsUnitRange else { return }
    precondition(
      least >= -Self.overshoot && largest <= 1 + Self.overshoot,
      "\(name) needs images with values 0...1; got values from \(least) to \(largest): "
        + Self.remedy(least, largest))
  }

  private func checkLayout(_ shape: TensorShape, _ channels: Int) {
    guard shape.rank == 4, shape[3] != channels else { return }
    precondition(
      shape[1] != channels,
      "\(name) needs images of shape [count, height, width, \(channels)]; got \(shape), which is "
        + "channels first: images.permuted([0, 2, 3, 1]) has them last")
  }

  private static func remedy(_ least: Float, _ largest: Float) -> String {
    if least >= 0 {
      return largest <= 255 ? "divide by 255" : "divide by the largest value there is"
    }
    return least >= -1 && largest <= 1
      ? "-1...1 becomes 0...1 by 0.5 * images + 0.5"
      : "leave out the normalization, which an augmentation such as Normalize.imageNet does last"
  }
}

/// An augmentation that clips to 0...1 or means such values.
protocol UnitRangeAugmentation: Augmentation {}

extension ColorJitter: UnitRangeAugmentation {}
extension Solarize: UnitRangeAugmentation {}
extension RandomSolarize: UnitRangeAugmentation {}
extension RandomBrightness: UnitRangeAugmentation {}
extension Clip: UnitRangeAugmentation {}

extension Augmentation {
  /// Whether this or a part of it knows values 0...1 alone.
  var expectsUnitRange: Bool {
    switch self {
    case let whole as Compose: whole.steps.contains { $0.expectsUnitRange }
    case let random as RandomApply: random.base.expectsUnitRange
    default: self is any UnitRangeAugmentation
    }
  }
}
