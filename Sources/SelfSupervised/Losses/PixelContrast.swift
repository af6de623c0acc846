import Tensor

/// Which pixels of two views show nearly the same place of their image.
public struct PixelPairs: Sendable {
  /// One for a positive pair and zero for others: shape [count, pixels, pixels].
  public let mask: Tensor
  /// How many positive pairs there are in the whole batch, which other processes may share.
  public let count: Int
  /// How many pairs there are.
  private let total: Int

  /// The pairs of a mask of ones and zeros of shape [count, pixels, pixels].
  ///
  /// Inside `withProcessGroup` all processes make theirs together.
  public init(mask: Tensor) {
    precondition(
      mask.rank == 3, "PixelPairs needs a mask [count, pixels, pixels]; got shape \(mask.shape)")
    self.mask = mask.detached
    let own = mask.sum(axes: [1, 2]).scalars.reduce(0.0) { $0 + Double($1) }
    let sums = ProcessGroup.current.sum([own, Double(mask.elementCount)])
    (count, total) = (Int(sums[0]), Int(sums[1]))
  }

  /// The pairs closer than `threshold`.
  ///
  /// - Parameters:
  ///   - first: Where the first view of each image comes from.
  ///   - second: Where the second view comes from.
  ///   - mapSize: The height and width of both maps.
  ///   - threshold: The distance below which a pair is positive; 0.7 in the paper.
  ///   - variant: What distances are measured by: see ``pixelDistances(from:to:mapSize:variant:)``.
  public init(
    from first: [ViewRegion], to second: [ViewRegion], mapSize: Size2D, threshold: Float = 0.7,
    variant: PixelVariant = .official
  ) {
    self.init(
      mask: pixelDistances(from: first, to: second, mapSize: mapSize, variant: variant)
        .< threshold)
  }

  /// The share of all pairs that is positive.
  public var share: Float { Float(count) / Float(max(1, total)) }

  /// The same pairs seen from the second view.
  public var transposed: PixelPairs {
    PixelPairs(mask: mask.transposed(), count: count, total: total)
  }

  private init(mask: Tensor, count: Int, total: Int) {
    (self.mask, self.count, self.total) = (mask, count, total)
  }
}

/// How well pixels agree with those of another view that show the same place: the mean cosine of
/// the positive pairs, in -1...1.
///
/// The mean is taken over the pairs of each image and then over images, of which one without a pair
/// counts as 0; for ``PixelVariant/lucidrains``, over all pairs of the batch. It is 1 when all
/// pairs point the same way. Of both directions, PixPro's authors minimise -2 · (first + second),
/// in -4...4, so that their loss is negative in good health: -2 to -3.1 late in training. Here it
/// is 4 - 2 · (first + second), in 0...8: the same gradients, and BYOL's scale.
///
/// - Parameters:
///   - predictions: Propagated pixels of one view, of shape [count, pixels, size].
///   - targets: The target's pixels of the other view, of the same shape; no gradient flows to
///     them.
///   - positives: The pairs that should agree.
///   - variant: Whose mean it is.
/// - Returns: A scalar.
public func pixProLoss(
  _ predictions: Tensor, with targets: Tensor, positives: PixelPairs,
  variant: PixelVariant = .official
) -> Tensor {
  checkPixels("pixProLoss", predictions, targets, positives)
  let mask = positives.mask
  let weights: Tensor
  switch variant {
  case .official:
    let pairs = maximum(mask.sum(axes: [1, 2], keepingAxes: true), Tensor(1))
    weights = 1 / (pairs * Float(mask.shape[0]))
  case .lucidrains: weights = Tensor(1 / Float(max(1, positives.count)))
  }
  // A pixel's sum of cosines is its product with the sum of its partners.
  let partners = matmul(mask, l2Normalized(targets.detached)) * weights
  let sum = (l2Normalized(predictions) * partners).sum()
  return variant == .official ? sum : allReduceSum(sum)
}

/// PixContrast: pixels must tell those of another view that show the same place from the others.
///
/// Of pixel i, -log Σ_{j positive} exp(cos_ij / τ) / Σ_j exp(cos_ij / τ) (Xie et al., 2021,
/// equation 2): the mean over the pixels of an image that have a positive, and then over images, of
/// which one without a pair counts as 0. For ``PixelVariant/lucidrains`` both sums go over all
/// pixels of the whole batch, and there is one logarithm. Never negative; log(all pairs / positive
/// pairs) when all pixels are alike.
///
/// - Parameters:
///   - projections: Projected pixels of one view, of shape [count, pixels, size].
///   - targets: The target's pixels of the other view, of the same shape; no gradient flows to
///     them.
///   - positives: The pairs that show the same place, at least one.
///   - temperature: τ, above zero; 0.3 in the paper.
///   - variant: Whose mean it is.
/// - Returns: A scalar.
public func pixelContrast(
  _ projections: Tensor, against targets: Tensor, positives: PixelPairs, temperature: Float = 0.3,
  variant: PixelVariant = .official
) -> Tensor {
  checkPixels("pixelContrast", projections, targets, positives)
  precondition(
    temperature > 0 && positives.count > 0,
    "pixelContrast needs a temperature above zero and a positive pair; got \(temperature) and "
      + "\(positives.count) pairs")
  let cosines = matmul(l2Normalized(projections), l2Normalized(targets.detached).transposed())
  let (logits, mask) = (cosines / temperature, positives.mask)
  switch variant {
  case .official:
    // To a pixel without a positive all are one: both sums are the same, and its loss exactly zero.
    let hasPositive = mask.max(axes: [2], keepingAxes: true)
    let counted = select(maximum(mask, 1 - hasPositive), logits, Tensor(-Float.infinity))
    let each = logits.logSumExp() - counted.logSumExp()
    let pixels = maximum(hasPositive.sum(axes: [1, 2]), Tensor(1))
    return (each.sum(axes: [1]) / pixels).mean()
  case .lucidrains:
    // One of several processes may have no positive, and its part of the sum then no gradient.
    let nothing = ProcessGroup.current.isSingle ? -Float.infinity : -Float.greatestFiniteMagnitude
    let counted = select(mask, logits, Tensor(nothing)).reshaped([-1])
    return logSumExpOverAll(logits.reshaped([-1]).logSumExp())
      - logSumExpOverAll(counted.logSumExp())
  }
}

private func checkPixels(
  _ name: String, _ predictions: Tensor, _ targets: Tensor, _ positives: PixelPairs
) {
  precondition(
    predictions.rank == 3 && predictions.shape == targets.shape
      && positives.mask.shape
        == [predictions.shape[0], predictions.shape[1], predictions.shape[1]],
    "\(name) needs two tensors [count, pixels, size] and pairs [count, pixels, pixels]; got shapes "
      + "\(predictions.shape), \(targets.shape) and \(positives.mask.shape)")
}
