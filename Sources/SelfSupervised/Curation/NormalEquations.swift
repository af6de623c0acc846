import Foundation

/// Least squares: the unknowns for which all rows differ least from their targets.
struct NormalEquations {
  private let unknowns: Int
  /// The upper triangle of Σ row · rowᵀ, row after row, and Σ row · target.
  private var products: [Double]
  private var targets: [Double]
  private var sum = 0.0
  private var squares = 0.0
  /// How many rows there are.
  private(set) var count = 0

  init(unknowns: Int) {
    self.unknowns = unknowns
    products = [Double](repeating: 0, count: unknowns * unknowns)
    targets = [Double](repeating: 0, count: unknowns)
  }

  mutating func add(_ row: [Double], _ target: Double) {
    for first in 0..<unknowns {
      for second in first..<unknowns {
        products[first * unknowns + second] += row[first] * row[second]
      }
      targets[first] += row[first] * target
    }
    (sum, squares, count) = (sum + target, squares + target * target, count + 1)
  }

  /// The root of the share of the targets' variance that a solution leaves.
  func difference(of solution: [Double], noise: Double) -> Float {
    let errors = max(0, squares - zip(solution, targets).reduce(0) { $0 + $1.0 * $1.1 })
    let variance = squares - sum * sum / Double(count)
    return Float((errors / (variance + noise * noise * Double(count))).squareRoot())
  }

  /// The unknowns, by Cholesky's factors with a little on the diagonal; nil if the rows do not tell
  /// them.
  var solution: [Double]? {
    var factor = [Double](repeating: 0, count: unknowns * unknowns)
    for row in 0..<unknowns {
      for column in 0...row {
        var value = products[column * unknowns + row]
        if row == column { value += 1e-6 * (1 + value) }
        for k in 0..<column {
          value -= factor[row * unknowns + k] * factor[column * unknowns + k]
        }
        if row == column {
          guard value > 0 else { return nil }
          factor[row * unknowns + row] = value.squareRoot()
        } else {
          factor[row * unknowns + column] = value / factor[column * unknowns + column]
        }
      }
    }
    var solution = targets
    for row in 0..<unknowns {
      for k in 0..<row { solution[row] -= factor[row * unknowns + k] * solution[k] }
      solution[row] /= factor[row * unknowns + row]
    }
    for row in stride(from: unknowns - 1, through: 0, by: -1) {
      for k in row + 1..<unknowns { solution[row] -= factor[k * unknowns + row] * solution[k] }
      solution[row] /= factor[row * unknowns + row]
    }
    return solution
  }
}
