import Foundation
import Tensor
import XCTest

/// Numbers far from zero, where a plain formula loses its digits.
final class StabilityTests: XCTestCase {
  private let logits = Tensor(
    [10_000, 9_999, -10_000, -10_000, -10_001, -10_000.5], shape: [2, 3])

  func testLogSoftmaxOfLargeLogits() {
    let expected = Twin(logits).alongAxis(-1) { row in
      let peak = row.max() ?? 0
      let total = row.reduce(0) { $0 + Foundation.exp($1 - peak) }
      return row.map { $0 - peak - Foundation.log(total) }
    }
    for (found, value) in zip(logSoftmax(logits).scalars, expected.values) {
      XCTAssertEqual(Double(found), value, accuracy: 1e-6 * max(1, value.magnitude))
    }
    for (found, value) in zip(softmax(logits).scalars, expected.values) {
      XCTAssertEqual(Double(found), Foundation.exp(value), accuracy: 1e-6)
    }
  }

  /// What is not a number is never hidden: a training that diverges shall be seen to.
  func testWhatIsNotANumberStaysSo() {
    let places = 37
    for place in [0, 20, places - 1] {
      var x = Tensor.ones([1, places])
      x.mutate { $0[place] = .nan }
      let ones = Tensor.ones([1, places])
      for y in [
        relu(x), leakyReLU(x), maximum(x, ones), maximum(ones, x), minimum(x, ones),
        minimum(ones, x),
      ] {
        XCTAssertEqual(y.scalars.map(\.isNaN), (0..<places).map { $0 == place })
      }
      XCTAssertTrue(x.max().item.isNaN && x.min().item.isNaN)
      let columns = x.reshaped([places, 1]) * Tensor.ones([1, 3])
      XCTAssertTrue(
        (columns.max(axes: [0]).scalars + columns.min(axes: [0]).scalars).allSatisfy(\.isNaN))
    }
  }

  /// Of a window, wherever it is in it, and of every channel alike: in vectors and behind them.
  func testPoolsOfWhatIsNotANumber() {
    for place in 0..<4 {
      var images = Tensor.ones([1, 2, 2, 11])
      images.mutate { for channel in 0..<11 { $0[place * 11 + channel] = .nan } }
      XCTAssertTrue(maxPool(images, window: 2).scalars.allSatisfy(\.isNaN))
    }
  }

  /// A norm with its activation in one: channels of which one number is none.
  func testRectifiedNormsOfWhatIsNotANumber() {
    var x = Tensor.ones([5, 19])
    x.mutate {
      $0[7] = .nan; $0[18] = .nan
    }
    let found = batchNorm(x, activation: .relu).output.scalars
    for column in 0..<19 {
      XCTAssertEqual(found[column].isNaN, column == 7 || column == 18)
    }
  }

  func testCrossEntropyOfLargeLogits() {
    let x = logits.tracked
    // log(1 + e⁻¹ + 0) and log(1 + e⁻¹ + e⁻½) + 1, by hand.
    let loss = crossEntropy(x, [0, 1])
    let terms = [Foundation.log(1 + Foundation.exp(-1.0)), Foundation.log(1.974_410_1) + 1]
    XCTAssertEqual(Double(loss.item), (terms[0] + terms[1]) / 2, accuracy: 1e-6)
    XCTAssertTrue(gradients(of: loss, at: [x])[0].scalars.allSatisfy(\.isFinite))
  }

  func testLogSumExpOfLargeLogits() {
    let x = logits.tracked
    let result = x.logSumExp()
    XCTAssertEqual(result.scalars[0], 10_000.313_26, accuracy: 1e-3)
    XCTAssertEqual(result.scalars[1], -9_999.319_7, accuracy: 1e-3)
    let gradient = gradients(of: result.sum(), at: [x])[0]
    XCTAssertEqual(gradient.sum(axes: [1]).scalars[0], 1, accuracy: 1e-6)
  }

  /// Rows that are masked whole, or hold an infinity. torch 2.15: [-inf, inf, 0.6931] for these rows.
  func testLogSumExpOfInfinities() {
    let x = Tensor([-.infinity, -.infinity, .infinity, 0, 0, 0], shape: [3, 2]).tracked
    let result = x.logSumExp()
    XCTAssertEqual(result.scalars[0], -.infinity)
    XCTAssertEqual(result.scalars[1], .infinity)
    XCTAssertEqual(result.scalars[2], 0.693_147_2, accuracy: 1e-6)
    let gradient = gradients(of: result.sum(), at: [x])[0].scalars
    XCTAssertEqual(Array(gradient[..<2]), [0, 0])
    XCTAssertTrue(gradient[2].isNaN)
    XCTAssertEqual(Array(gradient[3...]), [0, 0.5, 0.5])
  }

  /// NaN is larger than all numbers, as in torch, wherever it is.
  func testWhatIsNotANumberIsTheLargest() {
    for place in [0, 1, 3] {
      var x = Tensor([1, 5, 7, 3])
      x.mutate { $0[place] = .nan }
      XCTAssertEqual(x.argmax(), [place])
      let (indices, values) = x.topK(3)[0]
      let rest = [0, 1, 2, 3].filter { $0 != place }.sorted { x.scalars[$0] > x.scalars[$1] }
      XCTAssertEqual(indices, [place] + rest[..<2])
      XCTAssertTrue(values[0].isNaN)
      XCTAssertEqual(Array(values[1...]), rest[..<2].map { x.scalars[$0] })
    }
    let two = Tensor([.nan, 2, .nan, 9])
    XCTAssertEqual(two.argmax(), [0])
    XCTAssertEqual(two.topK(4)[0].indices, [0, 2, 3, 1])
    XCTAssertEqual(two.topK(1)[0].indices, [0])
    XCTAssertEqual(Tensor([-.infinity, -.infinity]).argmax(), [0])
  }

  /// In whole vectors and behind them, and wherever a number that is not finite stands.
  func testExtremes() {
    for count in [1, 5, 8, 9, 16, 31] {
      let x = Tensor((0..<count).map { Float(($0 * 7 + 3) % count) - 2 })
      XCTAssertEqual(x.extremes.least, -2)
      XCTAssertEqual(x.extremes.largest, Float(count) - 3)
      XCTAssertTrue(x.isFinite)
      for (place, bad) in (0..<count).flatMap({ [($0, Float.nan), ($0, .infinity)] }) {
        var broken = x
        broken.mutate { $0[place] = bad }
        XCTAssertTrue(broken.extremes.least.isNaN && broken.extremes.largest.isNaN)
        XCTAssertFalse(broken.isFinite)
      }
    }
    XCTAssertTrue(Tensor.zeros([0, 3]).isFinite)
  }

  /// Gradients where a formula has no number.
  func testGradientsAtEdges() {
    func slope(_ x: [Float], _ f: (Tensor) -> Tensor) -> [Float] {
      let x = Tensor(x).tracked
      return gradients(of: f(x).sum(), at: [x])[0].scalars
    }
    XCTAssertEqual(slope([0, .infinity, -.infinity, 2]) { pow($0, 0) }, [0, 0, 0, 0])
    XCTAssertEqual(slope([.nan, -2, -1, 1, 2]) { clamp($0, to: -1...1) }, [0, 0, 1, 1, 0])
    for f in [maximum, minimum] as [(Tensor, Tensor) -> Tensor] {
      XCTAssertEqual(slope([.nan, 1]) { f($0, Tensor([1, .nan])) }, [0.5, 0.5])
      XCTAssertEqual(slope([.nan, 1]) { f(Tensor([1, .nan]), $0) }, [0.5, 0.5])
    }
  }

  /// No rows have no largest entry each; rows without entries have none.
  func testReductionsOfNothing() {
    let none = Tensor.zeros([0, 3])
    for y in [none.max(axes: [1]), none.min(axes: [1]), none.logSumExp(axis: 1)] {
      XCTAssertEqual(y.shape, [0])
    }
    XCTAssertEqual(Tensor.zeros([2, 0]).logSumExp(axis: 1).scalars, [-.infinity, -.infinity])
    XCTAssertEqual(Tensor.zeros([2, 0]).sum(axes: [1]).scalars, [0, 0])
  }

  /// A channel of one number becomes its bias exactly, so that ReLU stops its gradient. torch: 0.
  func testNormsOfConstantChannels() {
    for value in [0.7, -3.1, 1e-20, 1e20, 0] as [Float] {
      let x = Tensor.full(value, [3, 7, 1, 4]).tracked
      let g = Tensor((0..<84).map { Float($0 % 5) - 2 }, shape: [3, 7, 1, 4])
      for y in [
        batchNorm(x, activation: .relu).output, groupNorm(x, groups: 2, activation: .relu),
      ] {
        XCTAssertTrue(y.scalars.allSatisfy { $0 == 0 }, "\(value)")
        XCTAssertTrue(
          gradients(of: (y * g).sum(), at: [x])[0].scalars.allSatisfy { $0 == 0 }, "\(value)")
      }
      let bias = Tensor([1, -1, 0.5, 0])
      XCTAssertEqual(
        batchNorm(x, scale: Tensor([2, 3, 4, 5]), bias: bias).output.reshaped([21, 4])[0].scalars,
        bias.scalars)
    }
  }

  func testVarianceFarFromZero() {
    var stream = RandomStream(seed: 50)
    let near = Tensor.normal([20_000, 4], using: &stream)
    let far = near + 10_000
    let expected = Twin(far).reduced([0], keepingAxes: false) { values in
      let mean = values.reduce(0, +) / Double(values.count)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    }
    XCTAssertLessThan(relativeError(far.variance(axes: [0]), expected), 1e-5)
    let (output, _, variance) = batchNorm(far)
    XCTAssertLessThan(relativeError(variance, expected), 1e-5)
    XCTAssertEqual(output.variance().item, 1, accuracy: 1e-3)
    XCTAssertEqual(output.mean().item, 0, accuracy: 1e-3)
  }

  func testLongSumsKeepTheirDigits() {
    var stream = RandomStream(seed: 51)
    let x = Tensor.uniform([1 << 20, 2], in: 0.5..<1.5, using: &stream)
    let columns = Twin(x).reduced([0], keepingAxes: false) { $0.reduce(0, +) }
    XCTAssertLessThan(relativeError(x.sum(axes: [0]), columns), 1e-6)
    let total = Double(x.sum().item)
    XCTAssertEqual(total / columns.values.reduce(0, +), 1, accuracy: 1e-6)
  }

  func testUnitNormOfZeros() {
    let x = Tensor.zeros([2, 3]).tracked
    let y = l2Normalized(x)
    XCTAssertEqual(y.scalars, [0, 0, 0, 0, 0, 0])
    XCTAssertTrue(gradients(of: y.sum(), at: [x])[0].scalars.allSatisfy(\.isFinite))
  }

  func testActivationsOfLargeNumbers() {
    let x = Tensor([-1_000, 1_000]).tracked
    for (name, function, expected) in [
      ("sigmoid", sigmoid, [0, 1]), ("softplus", softplus, [0, 1_000]), ("silu", silu, [0, 1_000]),
      ("gelu", gelu, [0, 1_000]), ("tanh", tanh, [-1, 1]), ("elu", { elu($0) }, [-1, 1_000]),
    ] as [(String, (Tensor) -> Tensor, [Float])] {
      let y = function(x)
      XCTAssertEqual(y.scalars, expected, name)
      let gradient = gradients(of: y.sum(), at: [x])[0]
      XCTAssertTrue(gradient.scalars.allSatisfy { (0...1).contains($0) }, "\(name): \(gradient)")
    }
  }
}
