import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class NTXentTests: XCTestCase {
  private let shapes = [(2, 3), (3, 2), (5, 7), (8, 4)]

  private func rows(_ count: Int, _ size: Int, _ view: Int) -> Tensor {
    Tensor(Formula.centred("ntxent\(count)/\(view)", count * size), shape: [count, size])
  }

  /// One axis for each pair.
  private func orthogonal(_ count: Int) -> Tensor { .identity(count) }

  // MARK: - Against the formula

  func testMatchesFormulaAndItsDifferences() throws {
    for (count, size) in shapes {
      for (temperature, isDecoupled) in [(0.5, false), (0.1, false), (0.5, true), (0.1, true)] {
        let (a, b) = (rows(count, size, 1), rows(count, size, 2))
        let (first, second) = (Parameter(a), Parameter(b))
        let loss = ntXent(
          first.value, second.value, temperature: Float(temperature), isDecoupled: isDecoupled)
        let twin = { (x: ContrastTwin.Rows, y: ContrastTwin.Rows) in
          ContrastTwin.ntXent(x, y, temperature: temperature, isDecoupled: isDecoupled)
        }
        XCTAssertEqual(Double(loss.item), twin(a.rows, b.rows), accuracy: 1e-5)
        loss.backward()
        for (parameter, expected) in [
          (first, ContrastTwin.gradient(at: a.rows) { twin($0, b.rows) }),
          (second, ContrastTwin.gradient(at: b.rows) { twin(a.rows, $0) }),
        ] {
          let gradient = try XCTUnwrap(parameter.gradient)
          XCTAssertLessThan(relativeError(gradient.scalars, expected), 1e-4)
        }
      }
    }
  }

  // MARK: - Closed forms

  func testEqualRows() {
    for count in [2, 3, 17] {
      let same = Tensor.ones([count, 4])
      let loss = ntXent(same, same * 3).item
      XCTAssertEqual(loss, logf(Float(2 * count - 1)), accuracy: 1e-5)
      let decoupled = ntXent(same, same, isDecoupled: true).item
      XCTAssertEqual(decoupled, logf(Float(2 * count - 2)), accuracy: 1e-5)
    }
  }

  func testPairsThatAgreeAndAreOrthogonalToOthers() {
    for (count, temperature) in [(2, 0.5), (6, 0.5), (6, 0.1), (40, 0.07)] as [(Int, Float)] {
      let (pairs, negatives) = (orthogonal(count), Float(2 * count - 2))
      let expected = log1pf(negatives * expf(-1 / temperature))
      XCTAssertEqual(
        ntXent(pairs, pairs * 2, temperature: temperature).item, expected, accuracy: 1e-5)
      XCTAssertEqual(
        ntXent(pairs, pairs, temperature: temperature, isDecoupled: true).item,
        logf(negatives) - 1 / temperature, accuracy: 1e-4)
    }
  }

  /// With negatives that equal the anchor and a positive opposite to it, the bounds are reached.
  func testUpperBound() {
    let (up, down) = (Tensor([1, 0], shape: [1, 2]), Tensor([-1, 0], shape: [1, 2]))
    let first = concatenated([up, down])
    let second = concatenated([down, up])
    // Of the others one is equal and two are opposite.
    let loss = ntXent(first, second, temperature: 0.5).item
    XCTAssertEqual(loss, logf(expf(2) + 2 * expf(-2)) + 2, accuracy: 1e-5)
    XCTAssertLessThan(loss, logf(3) + 4)
  }

  // MARK: - Symmetries

  func testLengthsAndOrderOfViewsDoNotMatter() {
    let (a, b) = (rows(5, 7, 1), rows(5, 7, 2))
    for isDecoupled in [false, true] {
      let loss = ntXent(a, b, isDecoupled: isDecoupled).item
      let lengths = Tensor([1, 2, 0.1, 30, 5], shape: [5, 1])
      XCTAssertEqual(
        ntXent(a * lengths, b * 1e3, isDecoupled: isDecoupled).item, loss, accuracy: 1e-5)
      XCTAssertEqual(ntXent(b, a, isDecoupled: isDecoupled).item, loss, accuracy: 1e-6)
      let order = [3, 0, 4, 1, 2]
      XCTAssertEqual(
        ntXent(a.indexSelect(order), b.indexSelect(order), isDecoupled: isDecoupled).item, loss,
        accuracy: 1e-6)
      // A pair may change places with itself: views have no rank.
      let swapped = (
        concatenated([b[0..<1], a[1..<5]]), concatenated([a[0..<1], b[1..<5]])
      )
      XCTAssertEqual(
        ntXent(swapped.0, swapped.1, isDecoupled: isDecoupled).item, loss, accuracy: 1e-6)
    }
  }

  func testLowTemperaturesStayFinite() throws {
    for temperature in [0.01, 0.001, 1e-6] as [Float] {
      for isDecoupled in [false, true] {
        let first = Parameter(rows(8, 4, 1))
        let loss = ntXent(
          first.value, rows(8, 4, 2), temperature: temperature, isDecoupled: isDecoupled)
        XCTAssertTrue(loss.item.isFinite)
        loss.backward()
        XCTAssertTrue(try XCTUnwrap(first.gradient).scalars.allSatisfy(\.isFinite))
      }
    }
  }

  func testZeroRowsStayFinite() throws {
    let first = Parameter(.zeros([3, 4]))
    ntXent(first.value, .zeros([3, 4])).backward()
    XCTAssertTrue(try XCTUnwrap(first.gradient).scalars.allSatisfy(\.isFinite))
  }
}
