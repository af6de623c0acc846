import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelPropagationTests: XCTestCase {
  private let map = Tensor(Formula.centred("map", 2 * 2 * 3 * 4), shape: [2, 2, 3, 4])

  /// y_i = Σ_j max(cos(x_i, x_j), 0)^γ · g(x_j), pixel by pixel in double precision.
  private func slow(
    _ x: Tensor, values: Tensor, gamma: Double, unitValues: Bool
  ) -> [Double] {
    let (count, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    func rows(_ x: Tensor) -> [[Double]] {
      x.reshaped([-1, channels]).scalars.map(Double.init).chunks(of: channels)
    }
    func length(_ a: [Double]) -> Double { a.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let (x, g) = (rows(x), rows(values))
    return (0..<count).flatMap { n in
      (0..<pixels).flatMap { i -> [Double] in
        var y = [Double](repeating: 0, count: channels)
        for j in 0..<pixels {
          let (a, b, value) = (x[n * pixels + i], x[n * pixels + j], g[n * pixels + j])
          let cosine = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / length(a) / length(b)
          let weight = pow(max(cosine, 0), gamma) / (unitValues ? length(value) : 1)
          for c in 0..<channels { y[c] += weight * value[c] }
        }
        return y
      }
    }
  }

  func testEqualsTheSlowTwin() {
    for variant in PixelVariant.allCases {
      for layerCount in 0...2 {
        for gamma: Float in [1, 2, 3, 0.5] {
          let module = withRandomSeed(1) {
            PixelPropagation(4, layerCount: layerCount, gamma: gamma, variant: variant)
          }
          module.eval()
          let expected = slow(
            map, values: module.transform(map), gamma: Double(gamma),
            unitValues: variant == .official)
          let found = module(map)
          XCTAssertEqual(found.shape, map.shape)
          // Below 1 the power of a millionth more than nothing is a thousandth.
          XCTAssertLessThan(
            relativeError(found.scalars, expected.map { Float($0) }), gamma < 1 ? 2e-3 : 2e-6)
        }
      }
    }
  }

  func testOrthogonalPixelsKeepToThemselvesAndAlikeOnesAddUp() {
    let orthogonal = Tensor.identity(6).reshaped([1, 2, 3, 6])
    let plain = PixelPropagation(6, layerCount: 0, variant: .lucidrains)
    XCTAssertEqual(plain(orthogonal * 2).scalars, (orthogonal * 2).scalars)
    let unit = PixelPropagation(6, layerCount: 0)
    XCTAssertEqual(unit(orthogonal * 2).scalars, orthogonal.scalars)
    let alike = Tensor.ones([1, 2, 3, 6])
    XCTAssertLessThan(relativeError(plain(alike).scalars, (alike * 6).scalars), 1e-6)
    XCTAssertEqual(unit(-orthogonal).scalars, (-orthogonal).scalars)
  }

  func testImagesDoNotMix() {
    let module = withRandomSeed(1) { PixelPropagation(4) }
    let alone = concatenated([module(map[0..<1]), module(map[1..<2])])
    XCTAssertLessThan(relativeError(module(map).scalars, alone.scalars), 1e-6)
  }

  func testGradientsAreFiniteWherePixelsAreOpposite() {
    for gamma: Float in [0.5, 1, 2, 3] {
      let x = Parameter(concatenated([map, -map], axis: 1))
      PixelPropagation(4, gamma: gamma)(x.value).sum().backward()
      XCTAssertTrue(x.gradient?.scalars.allSatisfy(\.isFinite) == true)
    }
  }

  func testLayersAreThoseThatWereAskedFor() {
    XCTAssertEqual(
      (0...2).map { PixelPropagation(4, layerCount: $0).namedParameters.map(\.name) },
      [
        [], ["transform.weight", "transform.bias"],
        [0, 1, 3].flatMap { ["transform.\($0).weight", "transform.\($0).bias"] },
      ])
  }
}

extension Array {
  fileprivate func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<$0 + size]) }
  }
}
