import Tensor

/// How far projections are from an isotropic normal distribution: sketched isotropic Gaussian
/// regularization (Balestriero and LeCun, 2025).
///
/// Along each of some random directions the projections are compared with N(0, 1) by the statistic of
/// Epps and Pulley; the mean over directions is what counts. At least 0 and about 1.05 for normal
/// projections; projections that are all zero, a collapse, have 0.40 · count (at 17 knots of 0...3).
///
/// - Parameters:
///   - projections: A tensor of shape [count, size].
///   - slices: Directions of unit length, of shape [size, directions].
///   - knots: At how many frequencies the distributions are compared.
///   - largestFrequency: The largest of them; the least is 0.
/// - Returns: A scalar.
/// - Precondition: The sizes agree, and there are two knots or more.
public func sigReg(
  _ projections: Tensor, along slices: Tensor, knots: Int = 17, largestFrequency: Float = 3
) -> Tensor {
  precondition(
    projections.rank == 2 && slices.rank == 2 && projections.shape[1] == slices.shape[0]
      && projections.shape[0] > 0,
    "sigReg needs projections [count, size] and slices [size, directions]; got \(projections.shape) "
      + "and \(slices.shape)")
  return EppsPulley(knots: knots, largest: largestFrequency)(matmul(projections, slices.detached))
}

/// The mean squared distance of every view's projections to the mean of the large views' ones.
///
/// - Parameters:
///   - global: Projections of the large views, each of shape [count, size].
///   - local: Projections of further views, of the same shape; often none.
/// - Returns: A scalar.
/// - Precondition: There is a large view, and all are of one shape.
public func viewInvariance(global: [Tensor], local: [Tensor] = []) -> Tensor {
  let shapes = (global + local).map(\.shape)
  precondition(
    !global.isEmpty && shapes.allSatisfy { $0 == shapes[0] && $0.rank == 2 },
    "viewInvariance needs projections of one shape [count, size], of a large view or more; got "
      + "\(global.count) large ones of \(shapes)")
  let center = global.dropFirst().reduce(global[0], +) / Float(global.count)
  let distances = (global + local).map { square($0 - center).mean() }
  return distances.dropFirst().reduce(distances[0], +) / Float(distances.count)
}

/// LeJEPA's loss: views of one image agree, and projections are normally distributed (Balestriero and
/// LeCun, 2025).
///
/// (1 - λ) · invariance + λ · regularization: ``viewInvariance(global:local:)`` and the mean over
/// views of ``sigReg(_:along:knots:largestFrequency:)``. Nothing else keeps projections apart: no
/// target, no negatives, no gradient that is stopped.
///
/// - Parameters:
///   - projections: Those of two large views and any number of local ones, each [count, size].
///   - slices: Directions of unit length, of shape [size, directions].
///   - regularization: λ; the paper tries 0.01 to 0.1.
/// - Returns: The loss and its two terms, as scalars.
/// - Precondition: λ is in 0...1.
public func lejepaLoss(
  _ projections: ViewPair, along slices: Tensor, regularization: Float = 0.05
) -> (loss: Tensor, invariance: Tensor, regularization: Tensor) {
  precondition(
    (0...1).contains(regularization),
    "lejepaLoss needs a weight of the regularization in 0...1; got \(regularization)")
  let invariance = viewInvariance(
    global: [projections.first, projections.second], local: projections.locals)
  let distances = projections.all.map { sigReg($0, along: slices) }
  let distance = distances.dropFirst().reduce(distances[0], +) / Float(distances.count)
  return (
    (1 - regularization) * invariance + regularization * distance, invariance.detached,
    distance.detached
  )
}
