/// How the pixels of a learner's last step looked.
public struct PixelStatistics: Sendable {
  /// The pairs of pixels that show the same place, in the whole batch.
  public var positivePairs = 0
  /// The share of all pairs that these are: a few in a hundred for maps of 7x7; near 1, the threshold
  /// is too wide to teach anything.
  public var positiveShare: Float = .nan
  /// The mean cosine of the positive pairs, over both directions: 0 unrelated, 1 the same.
  ///
  /// The loss of PixPro's authors is -4 times this.
  public var agreement: Float = .nan
  /// ``normalizedSpread(_:)`` of all projected pixels of the first views: near 0 they are all alike,
  /// and their agreement means nothing.
  public var spread: Float = .nan
  /// The pixels' part of the loss, before it is multiplied by alpha.
  public var pixelLoss: Float = .nan
  /// The part of the loss that whole images have: BYOL's, in 0...8.
  public var instanceLoss: Float = .nan

  /// No step yet.
  public init() {}
}
