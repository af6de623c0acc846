import Tensor
import XCTest

/// The largest difference over the largest expected magnitude, which counts as 0.01 at least.
func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  let scale = max(0.01, expected.map(\.magnitude).max() ?? 0)
  return zip(found, expected).reduce(0) { worst, pair in
    let difference = (pair.0 - pair.1).magnitude
    return difference.isNaN ? .infinity : max(worst, difference)
  } / scale
}

func relativeError(_ found: Tensor, _ expected: Twin) -> Double {
  found.shape.dimensions == expected.shape
    ? relativeError(found.scalars.map(Double.init), expected.values) : .infinity
}

extension OperationCheck {
  /// Compares value and gradients with the twin's, and gives a line for each that differs.
  func failures(on shapes: [[Int]], tolerance: Double = 1e-4) -> [String] {
    var stream = RandomStream(seed: 17).split(shapes.joined().reduce(shapes.count) { $0 * 31 + $1 })
    let inputs = draw.inputs(shapes, using: &stream)
    let twins = inputs.map { Twin($0) }
    let expected = twin(twins)
    var report = Report(title: "\(name) \(variant) at \(shapes)", tolerance: tolerance)
    report.compare("value", relativeError(function(inputs), expected))
    let weights = Tensor.normal(TensorShape(expected.shape), using: &stream)
    let expectedGradients = centralDifferences(twins, Twin(weights))
    let together = derivatives(inputs, wanted: Array(inputs.indices), weights)
    for (index, derivative) in expectedGradients.enumerated() {
      report.compare("gradient \(index)", relativeError(together[index], derivative))
      // Alone too: a pullback may skip what is not wanted, and nothing else.
      let alone = derivatives(inputs, wanted: [index], weights)[0]
      report.compare("lone gradient \(index)", relativeError(alone, derivative))
    }
    return report.lines
  }

  /// The same for large shapes on one thread and on two, with the derivative along one random
  /// direction instead of the gradient's entries.
  func failuresAlongDirection(on shapes: [[Int]], tolerance: Double = 1e-4) -> [String] {
    var stream = RandomStream(seed: 23)
    let inputs = draw.inputs(shapes, using: &stream)
    let twins = inputs.map { Twin($0) }
    let expected = twin(twins)
    let weights = Tensor.normal(TensorShape(expected.shape), using: &stream)
    let directions = inputs.map { Twin(Tensor.normal($0.shape, using: &stream)) }
    let slopes = inputs.indices.map { slope(of: twins, at: $0, along: directions[$0], weights) }
    return [1, 2].flatMap { threads in
      Threads.with(threads) {
        var report = Report(
          title: "\(name) \(variant) at \(shapes), \(threads) threads", tolerance: tolerance)
        report.compare("value", relativeError(function(inputs), expected))
        let found = derivatives(inputs, wanted: Array(inputs.indices), weights)
        for index in inputs.indices {
          let terms = zip(found[index].scalars, directions[index].values).map { Double($0) * $1 }
          let scale = max(0.01, terms.reduce(0) { $0 + $1 * $1 }.squareRoot())
          let difference = (terms.reduce(0, +) - slopes[index]).magnitude
          report.compare("gradient \(index)", difference / scale)
        }
        return report.lines
      }
    }
  }

  private func slope(
    of inputs: [Twin], at input: Int, along direction: Twin, _ weights: Tensor
  ) -> Double {
    let step = 1e-7  // Small: among many values one may be close to a kink.
    let sides = [step, -step].map { step in
      var moved = inputs
      moved[input] = Twin.zip(inputs[input], direction) { $0 + step * $1 }
      return loss(moved, Twin(weights))
    }
    return (sides[0] - sides[1]) / (2 * step)
  }

  /// Σ output · weights, so that every entry of the output counts.
  private func loss(_ inputs: [Twin], _ weights: Twin) -> Double {
    zip(twin(inputs).values, weights.values).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func centralDifferences(_ inputs: [Twin], _ weights: Twin) -> [Twin] {
    let step = 1e-5
    return inputs.indices.map { input in
      var derivative = inputs[input]
      for position in derivative.values.indices {
        var moved = inputs
        moved[input].values[position] += step
        let above = loss(moved, weights)
        moved[input].values[position] -= 2 * step
        derivative.values[position] = (above - loss(moved, weights)) / (2 * step)
      }
      return derivative
    }
  }

  /// The gradients of the loss at the inputs `wanted`; NaN where the result was not recorded.
  private func derivatives(_ inputs: [Tensor], wanted: [Int], _ weights: Tensor) -> [Tensor] {
    var leaves = inputs
    for index in wanted { leaves[index] = inputs[index].tracked }
    let result = (function(leaves) * weights).sum()
    let points = wanted.map { leaves[$0] }
    return result.isTracked
      ? gradients(of: result, at: points) : points.map { Tensor.full(.nan, $0.shape) }
  }
}

private struct Report {
  let title: String
  let tolerance: Double
  var lines: [String] = []

  mutating func compare(_ part: String, _ error: Double) {
    if !(error <= tolerance) { lines.append("\(title): \(part) is off by \(error)") }
  }
}
