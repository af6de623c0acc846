import Foundation
import Tensor
import XCTest

@testable import SelfSupervised

final class TSNETests: XCTestCase {
  /// Three groups of rows, far from each other.
  private func groups(of size: Int, width: Int = 20) -> Tensor {
    var stream = RandomStream(seed: 5)
    let noise = Tensor.normal([3 * size, width], using: &stream)
    let places = Tensor(
      (0..<3 * size).flatMap { row in (0..<width).map { $0 == row / size ? Float(30) : 0 } },
      shape: [3 * size, width])
    return noise + places
  }

  /// Every row's nearest neighbor in the map is of its group, and groups do not touch.
  func testGroupsStayApart() {
    let size = 50
    let map = tSNE(groups(of: size)).scalars
    XCTAssertEqual(map.count, 6 * size)
    func squaredDistance(_ a: Int, _ b: Int) -> Float {
      let (x, y) = (map[2 * a] - map[2 * b], map[2 * a + 1] - map[2 * b + 1])
      return x * x + y * y
    }
    var (widest, narrowest) = (Float(0), Float.infinity)
    for row in 0..<3 * size {
      for other in 0..<row {
        if row / size == other / size {
          widest = max(widest, squaredDistance(row, other))
        } else {
          narrowest = min(narrowest, squaredDistance(row, other))
        }
      }
    }
    XCTAssertGreaterThan(narrowest, widest / 4)
    for row in 0..<3 * size {
      let nearest = (0..<3 * size).filter { $0 != row }
        .min { squaredDistance(row, $0) < squaredDistance(row, $1) }
      XCTAssertEqual(nearest.map { $0 / size }, row / size)
    }
    XCTAssertEqual(map.reduce(0, +), 0, accuracy: 0.05)
  }

  /// The same bits again, and on any number of threads; others from another seed.
  func testBits() {
    let before = Threads.count
    defer { Threads.count = before }
    let features = groups(of: 33)
    let maps = [1, 2, 5].map { threads in
      Threads.count = threads
      return tSNE(features, iterations: 60, seed: 4).scalars
    }
    XCTAssertEqual(maps[0], maps[1])
    XCTAssertEqual(maps[0], maps[2])
    XCTAssertNotEqual(maps[0], tSNE(features, iterations: 60, seed: 5).scalars)
  }

  func testTheDivergenceFalls() {
    let affinities = Affinities(groups(of: 40), perplexity: 20)
    var descent = TSNEDescent(affinities, seed: 0)
    var values = [affinities.divergence(of: descent.map)]
    for _ in 0..<5 {
      for _ in 0..<40 { descent.step(exaggeration: 1, momentum: 0.5) }
      values.append(affinities.divergence(of: descent.map))
    }
    for (earlier, later) in zip(values, values.dropFirst()) {
      XCTAssertLessThanOrEqual(later, earlier + 1e-3)
    }
    XCTAssertLessThan(values[5], values[0] / 3)
  }

  /// The force on each point is the derivative of the divergence, by differences in `Double`.
  func testGradients() {
    for size in [2, 7, 16] {
      let affinities = Affinities(groups(of: size), perplexity: 5)
      var descent = TSNEDescent(affinities, seed: 1)
      for _ in 0..<30 { descent.step(exaggeration: 1, momentum: 0.5) }
      let (map, gradients) = (descent.map.scalars, descent.gradients())
      for index in stride(from: 0, to: map.count, by: 3) {
        // Divergences are sums in `Double` of coordinates in `Float`: the difference of two
        // coordinates is exact, and of third order is what it leaves out.
        let step = max(abs(map[index]), 1) / 512
        let moved = [step, -step].map { step -> (Float, Double) in
          var map = map
          map[index] += step
          return (map[index], affinities.divergence(of: Tensor(map, shape: [map.count / 2, 2])))
        }
        let expected = (moved[0].1 - moved[1].1) / Double(moved[0].0 - moved[1].0)
        XCTAssertEqual(Double(gradients[index % 2][index / 2]), expected, accuracy: 2e-5)
      }
    }
  }

  /// Each row's distribution has the perplexity that was asked for, and all of them sum to 1.
  func testPerplexity() {
    let affinities = Affinities(groups(of: 40), perplexity: 12)
    let sum = affinities.values.reduce(0.0) { $0 + Double($1) }
    XCTAssertEqual(sum, 1, accuracy: 1e-5)
    // p(a, b) is the mean of two conditional ones, so a row's perplexity is near what was asked for.
    let perplexities = (0..<affinities.count).map { row -> Double in
      let values = affinities.values[row * affinities.stride..<(row + 1) * affinities.stride]
        .map(Double.init)
      let total = values.reduce(0, +)
      return exp(-values.filter { $0 > 0 }.reduce(0) { $0 + $1 / total * log($1 / total) })
    }
    let mean = perplexities.reduce(0, +) / Double(perplexities.count)
    XCTAssertEqual(mean, 12, accuracy: 3)
    for row in 0..<affinities.count {
      XCTAssertEqual(affinities.values[row * affinities.stride + row], 0)
    }
  }

  /// Few rows, and rows that are all the same.
  func testDegenerateFeatures() {
    XCTAssertEqual(tSNE(.ones([1, 4])).scalars, [0, 0])
    for count in [2, 3, 5, 17] {
      for features in [Tensor.ones([count, 4]), groups(of: 6)[0..<count]] {
        let map = tSNE(features, iterations: 50)
        XCTAssertEqual(map.shape, [count, 2])
        XCTAssertTrue(map.isFinite)
      }
    }
  }
}
