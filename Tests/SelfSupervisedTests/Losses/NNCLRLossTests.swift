import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class NNCLRLossTests: XCTestCase {
  private func units(_ count: Int, _ size: Int, _ name: String) -> Tensor {
    l2Normalized(Tensor(Formula.centred("contrast\(name)", count * size), shape: [count, size]))
  }

  func testMatchesFormula() {
    for (count, size) in [(2, 3), (7, 5), (12, 16)] {
      let (a, b) = (units(count, size, "a"), units(count, size, "b"))
      XCTAssertEqual(
        Double(nnclrLoss(a, b).item),
        ContrastTwin.rowContrast(a.rows, b.rows, temperature: 0.1), accuracy: 1e-5)
    }
  }

  func testClosedForms() {
    let pairs = Tensor.identity(6)
    XCTAssertEqual(
      nnclrLoss(pairs, pairs, temperature: 0.5).item, log1pf(5 * expf(-2)), accuracy: 1e-6)
    let same = l2Normalized(.ones([6, 4]))
    XCTAssertEqual(nnclrLoss(same, same).item, logf(6), accuracy: 1e-5)
    // Candidates alike tell neighbours nothing.
    XCTAssertEqual(nnclrLoss(units(6, 4, "a"), same).item, logf(6), accuracy: 1e-5)
  }

  func testLowTemperaturesStayFinite() {
    let (a, b) = (units(9, 16, "a"), Parameter(units(9, 16, "b")))
    let loss = nnclrLoss(a, b.value, temperature: 0.01)
    XCTAssertEqual(
      Double(loss.item), ContrastTwin.rowContrast(a.rows, b.value.rows, temperature: 0.01),
      accuracy: 1e-3)
    loss.backward()
    XCTAssertTrue(b.gradient?.scalars.allSatisfy(\.isFinite) == true)
    // exp(1 / τ) is more than a float holds; of opposite pairs the loss is log(exp(-1 / τ) + 5) + 1 / τ.
    let pairs = Tensor.identity(6)
    XCTAssertEqual(nnclrLoss(pairs, pairs, temperature: 0.01).item, 0)
    XCTAssertEqual(
      nnclrLoss(pairs, -pairs, temperature: 0.01).item, 100 + logf(5), accuracy: 1e-4)
  }

  func testRowsAreNotColumns() {
    let (a, b) = (units(4, 3, "a"), units(4, 3, "b"))
    XCTAssertNotEqual(nnclrLoss(a, b).item, nnclrLoss(b, a).item)
  }
}
