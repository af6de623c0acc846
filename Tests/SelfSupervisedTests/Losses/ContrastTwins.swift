import Foundation
import Tensor

/// The contrastive losses a second time, slowly and in double precision, from the published formulas.
enum ContrastTwin {
  typealias Rows = [[Double]]

  /// Chen et al., 2020, equation 1, or Yeh et al., 2022, equation 6, whose sum lacks the positive.
  static func ntXent(
    _ first: Rows, _ second: Rows, temperature: Double, isDecoupled: Bool = false
  ) -> Double {
    let (views, count) = (first + second, first.count)
    let losses = views.indices.map { anchor in
      let partner = (anchor + count) % views.count
      let others = views.indices.filter { $0 != anchor && !(isDecoupled && $0 == partner) }
      let exponents = others.map { cosine(views[anchor], views[$0]) / temperature }
      return logSumExp(exponents) - cosine(views[anchor], views[partner]) / temperature
    }
    return losses.reduce(0, +) / Double(views.count)
  }

  /// The nearest stored row of each row, by a look at every one.
  static func nearest(_ rows: Rows, in bank: Rows) -> [Int] {
    rows.map { row in
      bank.indices.max { cosine(row, bank[$0]) < cosine(row, bank[$1]) } ?? 0
    }
  }

  /// Dwibedi et al., 2021, equation 3: the mean over rows of -log softmax at the diagonal.
  static func rowContrast(_ rows: Rows, _ columns: Rows, temperature: Double) -> Double {
    plainContrast(rows.map(unit), columns.map(unit), temperature: temperature)
  }

  /// The same of rows as they are, whatever their length.
  static func plainContrast(_ rows: Rows, _ columns: Rows, temperature: Double) -> Double {
    let losses = rows.indices.map { i in
      logSumExp(columns.map { dot(rows[i], $0) / temperature })
        - dot(rows[i], columns[i]) / temperature
    }
    return losses.reduce(0, +) / Double(rows.count)
  }

  static func cosine(_ a: [Double], _ b: [Double]) -> Double {
    dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  static func unit(_ a: [Double]) -> [Double] {
    let length = dot(a, a).squareRoot()
    return a.map { $0 / length }
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func logSumExp(_ x: [Double]) -> Double {
    let peak = x.max() ?? 0
    return peak + log(x.reduce(0) { $0 + exp($1 - peak) })
  }

  /// The gradient of a function of rows, by central differences.
  static func gradient(at rows: Rows, of function: (Rows) -> Double) -> [Float] {
    var rows = rows
    let step = 1e-5
    return rows.indices.flatMap { i in
      rows[i].indices.map { j in
        let value = rows[i][j]
        rows[i][j] = value + step
        let above = function(rows)
        rows[i][j] = value - step
        let below = function(rows)
        rows[i][j] = value
        return Float((above - below) / (2 * step))
      }
    }
  }
}

extension Tensor {
  /// The rows of a matrix, in double precision.
  var rows: [[Double]] { (0..<shape[0]).map { self[$0].scalars.map(Double.init) } }
}
