import Foundation
import Tensor

/// A map in the plane of features, in which near ones stay near: t-SNE (van der Maaten and Hinton,
/// 2008), exactly.
///
/// Features a and b are neighbors with the probability p(a, b), which falls with their distance as
/// a normal distribution does whose width gives each row `perplexity` neighbors; points of the map
/// with q(a, b) ∝ 1 / (1 + |a - b|²). The map minimizes the divergence Σ p log(p / q), by steps with
/// a momentum of 0.5, then 0.8, and a gain for each number. In the first third, p is twelve times as
/// large, so that groups find together before they find their places. Distances within groups mean
/// something; those between groups, sizes and axes do not.
///
/// Time grows with the square of the count. The bits do not depend on the number of threads.
///
/// - Parameters:
///   - features: A tensor of shape [count, width].
///   - perplexity: How many neighbors count; at most a third of the other rows.
///   - iterations: How many steps are taken.
///   - seed: Where the first places come from.
/// - Returns: A tensor of shape [count, 2], whose mean is zero.
/// - Precondition: The features are finite.
public func tSNE(
  _ features: Tensor, perplexity: Float = 30, iterations: Int = 600, seed: UInt64 = 0
) -> Tensor {
  precondition(
    features.rank == 2 && features.shape[0] > 0 && perplexity >= 1 && iterations > 0,
    "tSNE needs features [count, width], a perplexity of 1 or more and iterations above zero; got "
      + "shape \(features.shape), \(perplexity) and \(iterations)")
  checkFinite(features, "tSNE")
  let count = features.shape[0]
  guard count > 1 else { return .zeros([count, 2]) }
  var descent = TSNEDescent(Affinities(features, perplexity: perplexity), seed: seed)
  let exaggerated = iterations / 3
  for iteration in 0..<iterations {
    descent.step(
      exaggeration: iteration < exaggerated ? 12 : 1, momentum: iteration < exaggerated ? 0.5 : 0.8)
  }
  return descent.map
}

/// Vectors of sixteen numbers: rows are padded to them.
private typealias Lanes = SIMD16<Float>

/// How likely rows of features are neighbors.
struct Affinities {
  let count: Int
  /// The length of a row: the count, and zeros up to whole vectors.
  let stride: Int
  /// p[count, stride], symmetric, of sum 1, with zeros on the diagonal.
  let values: [Float]

  init(_ features: Tensor, perplexity: Float) {
    let count = features.shape[0]
    let stride = (count + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    (self.count, self.stride) = (count, stride)
    let entropy = log(Double(max(1, min(perplexity, Float(count - 1) / 3))))
    let squares = Self.squaredDistances(features)
    var conditional = [Float](repeating: 0, count: count * stride)
    conditional.withUnsafeMutableBufferPointer { out in
      // Unsafe: each block writes the rows of its own range.
      nonisolated(unsafe) let out = out
      squares.withUnsafeBufferPointer { squares in
        nonisolated(unsafe) let squares = squares
        Parallel.forRanges(count, grain: 8) { range in
          for row in range {
            let distances = UnsafeBufferPointer(rebasing: squares[row * count..<(row + 1) * count])
            let result = Self.probabilities(distances, without: row, entropy: entropy)
            for column in 0..<count { out[row * stride + column] = result[column] }
          }
        }
      }
    }
    var values = conditional
    for row in 0..<count {
      for column in 0..<count {
        values[row * stride + column] =
          (conditional[row * stride + column] + conditional[column * stride + row])
          / Float(2 * count)
      }
    }
    self.values = values
  }

  /// |a - b|² of all rows, of shape [count, count].
  private static func squaredDistances(_ features: Tensor) -> Tensor {
    withoutGradients {
      // Centered, so that what the differences lose by rounding is little.
      let rows = features.detached - features.detached.mean(axes: [0])
      let products = withMatmulPrecision(.float32) { linear(rows, rows) }
      let lengths = (rows * rows).sum(axes: [1])
      return relu(lengths.reshaped([-1, 1]) + lengths.reshaped([1, -1]) - 2 * products)
    }
  }

  /// exp(-precision · distance) over its sum, with the precision that gives an entropy.
  private static func probabilities(
    _ distances: UnsafeBufferPointer<Float>, without row: Int, entropy: Double
  ) -> [Float] {
    let others = distances.indices.filter { $0 != row }
    let nearest = Double(others.map { distances[$0] }.min() ?? 0)
    let mean = others.reduce(0) { $0 + Double(distances[$1]) - nearest } / Double(others.count)
    var result = [Float](repeating: 0, count: distances.count)
    // All others are equally far.
    guard mean > 0 else {
      for other in others { result[other] = 1 / Float(others.count) }
      return result
    }
    var (precision, low, high) = (1 / mean, 0.0, Double.infinity)
    for _ in 0..<60 {
      var (sum, weighted) = (0.0, 0.0)
      for other in others {
        let distance = Double(distances[other]) - nearest
        let value = exp(-precision * distance)
        result[other] = Float(value)
        sum += value
        weighted += value * distance
      }
      let difference = log(sum) + precision * weighted / sum - entropy
      for other in others { result[other] = Float(Double(result[other]) / sum) }
      if abs(difference) < 1e-5 { break }
      if difference > 0 { low = precision } else { high = precision }
      precision = high.isFinite ? (low + high) / 2 : 2 * precision
    }
    return result
  }

  /// Σ p log(p / q) of a map of shape [count, 2].
  func divergence(of map: Tensor) -> Double {
    let places = map.scalars.map(Double.init)
    var (sum, weights) = (0.0, 0.0)
    for row in 0..<count {
      for column in 0..<count where column != row {
        let (x, y) = (
          places[2 * row] - places[2 * column], places[2 * row + 1] - places[2 * column + 1]
        )
        let (p, weight) = (Double(values[row * stride + column]), 1 / (1 + x * x + y * y))
        weights += weight
        if p > 0 { sum += p * log(p / weight) }
      }
    }
    return sum + log(weights)
  }
}

/// A map on its way down.
struct TSNEDescent {
  private let affinities: Affinities
  private let learningRate: Float
  /// The coordinates of all points, each padded to whole vectors.
  private var places: [[Float]]
  private var velocities: [[Float]]
  private var gains: [[Float]]

  init(_ affinities: Affinities, seed: UInt64) {
    self.affinities = affinities
    // Belkina et al., 2019: the count over the exaggeration; a quarter, as the gradient has its 4.
    learningRate = max(Float(affinities.count) / 48, 50)
    var stream = RandomStream(seed: seed)
    let first = (1e-4 * Tensor.normal([2, affinities.count], using: &stream)).scalars
    let padding = [Float](repeating: 0, count: affinities.stride - affinities.count)
    places = [0, 1].map { axis in
      Array(first[axis * affinities.count..<(axis + 1) * affinities.count]) + padding
    }
    velocities = places.map { $0.map { _ in 0 } }
    gains = places.map { $0.map { _ in 1 } }
  }

  /// The points, of shape [count, 2].
  var map: Tensor {
    Tensor((0..<affinities.count).flatMap { [places[0][$0], places[1][$0]] })
      .reshaped([affinities.count, 2])
  }

  mutating func step(exaggeration: Float, momentum: Float) {
    let gradients = gradients(exaggeration: exaggeration)
    for axis in 0..<2 {
      for index in 0..<affinities.count {
        let gradient = gradients[axis][index]
        let isTurning = (gradient > 0) == (velocities[axis][index] > 0)
        gains[axis][index] = max(
          0.01, isTurning ? 0.8 * gains[axis][index] : gains[axis][index] + 0.2)
        velocities[axis][index] =
          momentum * velocities[axis][index] - learningRate * gains[axis][index] * gradient
        places[axis][index] += velocities[axis][index]
      }
      let mean = places[axis].prefix(affinities.count).reduce(0, +) / Float(affinities.count)
      for index in 0..<affinities.count { places[axis][index] -= mean }
    }
  }

  /// The derivatives of the divergence by the coordinates of all points, with p exaggerated.
  func gradients(exaggeration: Float = 1) -> [[Float]] {
    let forces = forces()
    let total = Float(forces.weights.reduce(0) { $0 + Double($1) })
    return [0, 1].map { axis in
      zip(forces.attractions[axis], forces.repulsions[axis]).map { attraction, repulsion in
        4 * (exaggeration * attraction - repulsion / total)
      }
    }
  }

  private struct Forces {
    /// Σ p w (a - b) along each axis, w = 1 / (1 + |a - b|²).
    var attractions: [[Float]]
    /// Σ w² (a - b) along each axis.
    var repulsions: [[Float]]
    /// Σ w over all others.
    var weights: [Float]
  }

  /// The forces on all points; each row is summed by one thread in one order.
  private func forces() -> Forces {
    let (count, stride) = (affinities.count, affinities.stride)
    var out = [Float](repeating: 0, count: 5 * count)
    out.withUnsafeMutableBytes { out in
      places[0].withUnsafeBytes { xs in
        places[1].withUnsafeBytes { ys in
          affinities.values.withUnsafeBytes { ps in
            // Unsafe: each block writes the rows of its own range.
            nonisolated(unsafe) let (out, xs, ys, ps) = (out, xs, ys, ps)
            Parallel.forRanges(count, grain: 32) { range in
              for row in range {
                let sums = Self.forces(on: row, of: count, stride, xs, ys, ps)
                for index in 0..<5 {
                  out.storeBytes(
                    of: sums[index], toByteOffset: 4 * (index * count + row), as: Float.self)
                }
              }
            }
          }
        }
      }
    }
    let parts = (0..<5).map { Array(out[$0 * count..<($0 + 1) * count]) }
    return Forces(
      attractions: [parts[0], parts[1]], repulsions: [parts[2], parts[3]], weights: parts[4])
  }

  /// Both forces along both axes, and the sum of weights.
  private static func forces(
    on row: Int, of count: Int, _ stride: Int, _ xs: UnsafeRawBufferPointer,
    _ ys: UnsafeRawBufferPointer, _ ps: UnsafeRawBufferPointer
  ) -> SIMD8<Float> {
    let x = Lanes(repeating: xs.load(fromByteOffset: 4 * row, as: Float.self))
    let y = Lanes(repeating: ys.load(fromByteOffset: 4 * row, as: Float.self))
    var (ax, ay, rx, ry, sum) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for column in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
      let dx = x - xs.loadUnaligned(fromByteOffset: 4 * column, as: Lanes.self)
      let dy = y - ys.loadUnaligned(fromByteOffset: 4 * column, as: Lanes.self)
      var weight = 1 / (1 + dx * dx + dy * dy)
      // The padding is no point, and no point is its own neighbor.
      if column + Lanes.scalarCount > count {
        for lane in max(0, count - column)..<Lanes.scalarCount { weight[lane] = 0 }
      }
      if (column..<column + Lanes.scalarCount).contains(row) { weight[row - column] = 0 }
      let pull =
        weight
        * ps.loadUnaligned(fromByteOffset: 4 * (row * stride + column), as: Lanes.self)
      let push = weight * weight
      ax += pull * dx
      ay += pull * dy
      rx += push * dx
      ry += push * dy
      sum += weight
    }
    return [ax.sum(), ay.sum(), rx.sum(), ry.sum(), sum.sum(), 0, 0, 0]
  }
}
