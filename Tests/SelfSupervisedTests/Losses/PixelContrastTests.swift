import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelContrastTests: XCTestCase {
  private let (count, pixels, size) = (3, 5, 4)

  private func features(_ name: String) -> Tensor {
    Tensor(Formula.centred(name, count * pixels * size), shape: [count, pixels, size])
  }

  /// Pairs of which the second image has none, and the first pixel of the first image neither.
  private var pairs: PixelPairs {
    let drawn = Formula.integers("pairs", count * pixels * pixels).map {
      Float($0 % 3 == 0 ? 1 : 0)
    }
    let mask = drawn.enumerated().map { index, value in
      index < pixels || index / (pixels * pixels) == 1 ? 0 : value
    }
    return PixelPairs(mask: Tensor(mask, shape: [count, pixels, pixels]))
  }

  private func all(_ value: Float) -> PixelPairs {
    PixelPairs(mask: .full(value, [count, pixels, pixels]))
  }

  /// cosines[count][pixels][pixels] in double precision.
  private func cosines(_ a: Tensor, _ b: Tensor) -> [[[Double]]] {
    func rows(_ x: Tensor) -> [[[Double]]] {
      (0..<count).map { n in
        (0..<pixels).map { i in
          let row = x[n][i].scalars.map(Double.init)
          let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
          return row.map { $0 / length }
        }
      }
    }
    func product(_ p: [Double], _ q: [Double]) -> Double {
      zip(p, q).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return zip(rows(a), rows(b)).map { a, b in
      a.map { p in b.map { q in product(p, q) } }
    }
  }

  private func isPositive(_ n: Int, _ i: Int, _ j: Int) -> Bool {
    pairs.mask[n][i].scalars[j] == 1
  }

  // MARK: - The formulas once more

  func testAgreementEqualsTheSlowTwin() {
    let (a, b) = (features("a"), features("b"))
    let cosines = cosines(a, b)
    var (official, sum, total) = (0.0, 0.0, 0)
    for n in 0..<count {
      var (ofImage, number) = (0.0, 0)
      for i in 0..<pixels {
        for j in 0..<pixels where isPositive(n, i, j) {
          ofImage += cosines[n][i][j]
          number += 1
        }
      }
      official += number > 0 ? ofImage / Double(number) / Double(count) : 0
      sum += ofImage
      total += number
    }
    XCTAssertEqual(pairs.count, total)
    XCTAssertEqual(
      Double(pixProLoss(a, with: b, positives: pairs).item), official, accuracy: 1e-6)
    XCTAssertEqual(
      Double(pixProLoss(a, with: b, positives: pairs, variant: .lucidrains).item),
      sum / Double(total), accuracy: 1e-6)
  }

  func testContrastEqualsTheSlowTwin() {
    let (a, b) = (features("a"), features("b"))
    let cosines = cosines(a, b)
    for temperature in [0.3, 1, 0.02] {
      var (official, positive, total) = (0.0, 0.0, 0.0)
      for n in 0..<count {
        var losses: [Double] = []
        for i in 0..<pixels {
          let weights = cosines[n][i].map { exp($0 / temperature) }
          let chosen = (0..<pixels).reduce(0) { $0 + (isPositive(n, i, $1) ? weights[$1] : 0) }
          if chosen > 0 { losses.append(-log(chosen / weights.reduce(0, +))) }
          positive += chosen
          total += weights.reduce(0, +)
        }
        official += losses.isEmpty ? 0 : losses.reduce(0, +) / Double(losses.count) / Double(count)
      }
      let found = PixelVariant.allCases.map {
        pixelContrast(
          a, against: b, positives: pairs, temperature: Float(temperature), variant: $0)
      }
      XCTAssertEqual(Double(found[0].item), official, accuracy: 2e-6 * max(1, official))
      let ratio = -log(positive / total)
      XCTAssertEqual(Double(found[1].item), ratio, accuracy: 2e-6 * max(1, ratio))
    }
  }

  // MARK: - Closed forms

  func testEqualMapsAgreeWhollyAndOppositeOnesNotAtAll() {
    let a = features("a")
    let themselves = PixelPairs(
      mask: Tensor.identity(pixels).broadcast(to: [count, pixels, pixels]))
    for variant in PixelVariant.allCases {
      func agreement(_ b: Tensor) -> Float {
        pixProLoss(a, with: b, positives: themselves, variant: variant).item
      }
      XCTAssertEqual(agreement(a * 3), 1, accuracy: 1e-6)
      XCTAssertEqual(agreement(-a), -1, accuracy: 1e-6)
    }
  }

  func testContrastOfAlikePixelsIsTheLogarithmOfTheShare() {
    let alike = Tensor.ones([count, pixels, size])
    for variant in PixelVariant.allCases {
      let none = pixelContrast(alike, against: alike, positives: all(1), variant: variant)
      XCTAssertEqual(none.item, 0, accuracy: 1e-6)
      let two = (0..<count * pixels * pixels).map { Float($0 % pixels < 2 ? 1 : 0) }
      let positives = PixelPairs(mask: Tensor(two, shape: [count, pixels, pixels]))
      let loss = pixelContrast(alike, against: alike, positives: positives, variant: variant)
      XCTAssertEqual(loss.item, log(5 / 2), accuracy: 1e-6)
    }
  }

  func testContrastAtATinyTemperatureIsFinite() {
    let a = features("a")
    for variant in PixelVariant.allCases {
      let x = Parameter(a)
      let loss = pixelContrast(
        x.value, against: features("b"), positives: pairs, temperature: 1e-3, variant: variant)
      loss.backward()
      XCTAssertTrue(loss.item.isFinite && loss.item > 0)
      XCTAssertTrue(x.gradient?.scalars.allSatisfy(\.isFinite) == true)
    }
  }

  // MARK: - Gradients

  func testGradientsReachPredictionsAlone() {
    let losses: [(Tensor, Tensor, PixelVariant) -> Tensor] = [
      { [pairs] in pixProLoss($0, with: $1, positives: pairs, variant: $2) },
      { [pairs] in pixelContrast($0, against: $1, positives: pairs, variant: $2) },
    ]
    for loss in losses {
      for variant in PixelVariant.allCases {
        let (a, b) = (Parameter(features("a")), Parameter(features("b")))
        loss(a.value, b.value, variant).backward()
        XCTAssertNil(b.gradient)
        let gradient = a.gradient?.scalars ?? []
        // By differences, at a pixel of each image.
        for (n, i) in [(0, 1), (1, 2), (2, 3)] {
          for k in 0..<size {
            let index = (n * pixels + i) * size + k
            func shifted(_ step: Float) -> Double {
              var values = features("a").scalars
              values[index] += step
              let moved = Tensor(values, shape: [count, pixels, size])
              return Double(loss(moved, b.value, variant).item)
            }
            let expected = (shifted(1e-2) - shifted(-1e-2)) / 2e-2
            XCTAssertEqual(Double(gradient[index]), expected, accuracy: 2e-3)
          }
        }
      }
    }
  }

  /// A pixel without a positive, and an image without one, neither push nor pull; but for the
  /// package's single ratio, in which all pixels are negatives.
  func testPixelsWithoutPairsGetNoGradient() {
    let a = Parameter(features("a"))
    pixelContrast(a.value, against: features("b"), positives: pairs).backward()
    let gradient = a.gradient ?? .zeros([1])
    XCTAssertEqual(gradient[0][0].norm().item, 0)
    XCTAssertEqual(gradient[1].norm().item, 0)
    XCTAssertGreaterThan(gradient[0][1].norm().item, 1e-4)
    let other = Parameter(features("a"))
    pixProLoss(other.value, with: features("b"), positives: pairs, variant: .lucidrains)
      .backward()
    XCTAssertEqual(other.gradient?[1].norm().item, 0)
  }
}
