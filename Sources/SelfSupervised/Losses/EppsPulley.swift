import Foundation
import Tensor

/// How far numbers are from a standard normal distribution, by their characteristic function (Epps
/// and Pulley, 1983).
///
/// For the n numbers x of a column, n · ∫ ((mean cos tx - φ(t))² + (mean sin tx)²) φ(t) dt, with
/// φ(t) = e^(-t²/2) the characteristic function of N(0, 1), which is also the window; by trapezoids
/// at `knots` places of 0...`largest`, twice, for the integrand is even. Normal numbers have about
/// 1.05 whatever n is; equal ones have a multiple of n.
struct EppsPulley: Sendable {
  /// The distance of two knots.
  private let step: Float
  /// φ at each knot.
  private let window: [Float]
  /// The trapezoid of each knot, times φ.
  private let weights: [Float]

  /// A test at so many places of 0...`largest`, both ends included.
  init(knots: Int, largest: Float) {
    precondition(
      knots > 1 && largest > 0,
      "sigReg needs at least 2 knots and a largest frequency above zero; got \(knots) and "
        + "\(largest)")
    let step = largest / Float(knots - 1)
    self.step = step
    window = (0..<knots).map { expf(-Float($0 * $0) * step * step / 2) }
    weights = window.enumerated().map { knot, value in
      (knot == 0 || knot == knots - 1 ? 1 : 2) * step * value
    }
  }

  /// The mean over columns of their distance.
  ///
  /// - Parameter x: A tensor of shape [count, columns].
  /// - Returns: A scalar.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (count, columns) = (x.shape[0], x.shape[1])
    let blocks = (columns + Lanes.scalarCount - 1) / Lanes.scalarCount
    let sums = sums(over: x, blocks)
    let total = (0..<blocks).reduce(0.0) { total, block in
      let distance = distance(sums[block], count)
      let used = min(Lanes.scalarCount, columns - block * Lanes.scalarCount)
      return (0..<used).reduce(total) { $0 + Double(distance[$1]) }
    }
    return Tensor(Float(total / Double(columns))).recorded(from: [x], operation: "sigReg") {
      gradient, _ in
      [self.gradient(of: x, sums, scale: gradient.item / Float(columns))]
    }
  }
}

/// So many columns go together.
private typealias Lanes = SIMD16<Float>

/// The sums over rows of the cosines and the sines at each knot, for one block of columns.
private struct KnotSums {
  var cosines: [Lanes]
  var sines: [Lanes]
}

// MARK: - Loops

// The angles of the knots are multiples of one, whose cosine and sine a rotation carries from knot to
// knot: one pair of library calls for a number instead of one for each of its knots.
extension EppsPulley {
  private func sums(over x: Tensor, _ blocks: Int) -> [KnotSums] {
    let (count, columns, knots) = (x.shape[0], x.shape[1], window.count)
    var all = [KnotSums](
      repeating: KnotSums(
        cosines: Array(repeating: .zero, count: knots), sines: Array(repeating: .zero, count: knots)
      ),
      count: blocks)
    x.withUnsafeBufferPointer { x in
      all.withUnsafeMutableBufferPointer { all in
        // Unsafe: each block writes the sums of its own index.
        nonisolated(unsafe) let (all, x) = (all, x)
        Parallel.forEach(blocks) { block in
          var sums = all[block]
          for row in 0..<count {
            let (cosine, sine) = rotation(lanes(of: x, row, block, columns))
            var (c, s) = (Lanes(repeating: 1), Lanes.zero)
            for knot in 0..<knots {
              sums.cosines[knot] += c
              sums.sines[knot] += s
              (c, s) = (c * cosine - s * sine, s * cosine + c * sine)
            }
          }
          all[block] = sums
        }
      }
    }
    return all
  }

  /// Σ over knots of weight · count · ((cosines / count - φ)² + (sines / count)²).
  private func distance(_ sums: KnotSums, _ count: Int) -> Lanes {
    window.indices.reduce(into: Lanes.zero) { distance, knot in
      let real = sums.cosines[knot] / Float(count) - window[knot]
      let imaginary = sums.sines[knot] / Float(count)
      distance += weights[knot] * Float(count) * (real * real + imaginary * imaginary)
    }
  }

  /// d/dx = Σ over knots of 2 · weight · t · (imaginary · cos tx - real · sin tx): the count of the
  /// statistic and that of the means cancel.
  private func gradient(of x: Tensor, _ sums: [KnotSums], scale: Float) -> Tensor {
    let (count, columns) = (x.shape[0], x.shape[1])
    return Tensor(shape: x.shape) { out in
      x.withUnsafeBufferPointer { x in
        // Unsafe: each block writes its own columns.
        nonisolated(unsafe) let (out, x) = (out, x)
        Parallel.forEach(sums.count) { block in
          let factors = factors(sums[block], count, scale)
          let first = block * Lanes.scalarCount
          for row in 0..<count {
            let (cosine, sine) = rotation(lanes(of: x, row, block, columns))
            var (c, s, slope) = (Lanes(repeating: 1), Lanes.zero, Lanes.zero)
            for knot in window.indices {
              slope += factors.sines[knot] * c - factors.cosines[knot] * s
              (c, s) = (c * cosine - s * sine, s * cosine + c * sine)
            }
            for lane in 0..<min(Lanes.scalarCount, columns - first) {
              out[row * columns + first + lane] = slope[lane]
            }
          }
        }
      }
    }
  }

  /// What cosines and sines of a gradient are multiplied by.
  private func factors(_ sums: KnotSums, _ count: Int, _ scale: Float) -> KnotSums {
    var factors = sums
    for knot in window.indices {
      let factor = scale * 2 * weights[knot] * Float(knot) * step
      factors.cosines[knot] = factor * (sums.cosines[knot] / Float(count) - window[knot])
      factors.sines[knot] = factor * (sums.sines[knot] / Float(count))
    }
    return factors
  }

  /// The numbers of one row in a block of columns; zero behind the last column.
  private func lanes(
    of x: UnsafeBufferPointer<Float>, _ row: Int, _ block: Int, _ columns: Int
  ) -> Lanes {
    let first = block * Lanes.scalarCount
    var lanes = Lanes.zero
    for lane in 0..<min(Lanes.scalarCount, columns - first) {
      lanes[lane] = x[row * columns + first + lane]
    }
    return lanes
  }

  /// The cosine and the sine of each number times the distance of two knots.
  private func rotation(_ x: Lanes) -> (cosine: Lanes, sine: Lanes) {
    var (cosine, sine) = (Lanes.zero, Lanes.zero)
    for lane in 0..<Lanes.scalarCount {
      let angle = x[lane] * step
      (cosine[lane], sine[lane]) = (cosf(angle), sinf(angle))
    }
    return (cosine, sine)
  }
}
