import XCTest

@testable import Tensor

final class OptimizerStepsTests: XCTestCase {
  /// Adam's formula a second time, in Double, for counts with and without a rest after whole
  /// vectors, on large gradients and on those beside which epsilon is large.
  func testAdamStep() {
    for count in Array(1...20) + [100_003] {
      for isDecoupled in [false, true] { checkAdam(count: count, isDecoupled: isDecoupled) }
    }
  }

  /// Without memory of squares, a small gradient after a large one moves as far.
  func testAdamWithoutMemory() {
    let parameter = Parameter(Tensor.zeros([9]))
    var (first, second) = (Tensor.zeros([9]), Tensor.zeros([9]))
    for step in 1...2 {
      adamStep(
        parameter, gradient: Tensor.ones([9]) * (step == 1 ? 1 : 1e-4), first: &first,
        second: &second,
        settings: AdamSettings(
          learningRate: 0.1, betas: (0, 0), epsilon: 1e-8, weightDecay: 0, isDecoupled: false,
          step: step))
    }
    for number in parameter.value.scalars { XCTAssertEqual(number, -0.2, accuracy: 1e-4) }
  }

  func testAdamUnderEveryISA() {
    forEachISA { _ in
      for count in [1, 8, 21] { checkAdam(count: count, isDecoupled: true) }
    }
  }

  private func checkAdam(count: Int, isDecoupled: Bool) {
    var stream = RandomStream(seed: UInt64(count))
    let w = Tensor.normal([count], using: &stream)
    var (first, second) = (Tensor.zeros([count]), Tensor.zeros([count]))
    let (rate, decay, epsilon) = (0.01, 0.1, 1e-8)
    let parameter = Parameter(w)
    var (expected, m, v) = (w.scalars.map(Double.init), [Double](), [Double]())
    m = Array(repeating: 0, count: count)
    v = m
    for step in 1...3 {
      let g = Tensor.normal([count], using: &stream) * (step == 2 ? 1e-18 : 1e3)
      adamStep(
        parameter, gradient: g, first: &first, second: &second,
        settings: AdamSettings(
          learningRate: Float(rate), betas: (0.9, 0.999), epsilon: Float(epsilon),
          weightDecay: Float(decay), isDecoupled: isDecoupled, step: step))
      for (i, g) in g.scalars.enumerated() {
        let slope = Double(g) + (isDecoupled ? 0 : decay * expected[i])
        m[i] = 0.9 * m[i] + 0.1 * slope
        v[i] = 0.999 * v[i] + 0.001 * slope * slope
        let (mean, square) = (
          m[i] / (1 - pow(0.9, Double(step))), v[i] / (1 - pow(0.999, Double(step)))
        )
        let shrink = isDecoupled ? 1 - rate * decay : 1
        expected[i] = shrink * expected[i] - rate * mean / (square.squareRoot() + epsilon)
      }
    }
    for (found, expected) in zip(parameter.value.scalars, expected) {
      XCTAssertEqual(Double(found), expected, accuracy: 1e-5, "\(count), \(isDecoupled)")
    }
  }
}
