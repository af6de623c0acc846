import Tensor
import XCTest

/// The table of all differentiable public operations, by topic.
enum OperationTable {
  static let all = [
    arithmetic, elementwise, activations, reductions, vectors, movement, entries, products,
    convolutions, transposedConvolutions, pooling, resampling, normalization,
  ].flatMap { $0 }
}

final class OperationTableTests: XCTestCase {
  func testArithmetic() { check(OperationTable.arithmetic) }
  func testElementwise() { check(OperationTable.elementwise) }
  func testActivations() { check(OperationTable.activations) }
  func testReductions() { check(OperationTable.reductions) }
  func testVectors() { check(OperationTable.vectors) }
  func testMovement() { check(OperationTable.movement) }
  func testEntries() { check(OperationTable.entries) }
  func testProducts() { check(OperationTable.products) }
  func testConvolutions() { check(OperationTable.convolutions) }
  func testTransposedConvolutions() { check(OperationTable.transposedConvolutions) }
  func testPooling() { check(OperationTable.pooling) }
  func testResampling() { check(OperationTable.resampling) }
  func testNormalization() { check(OperationTable.normalization) }

  func testEveryOperationIsTriedOnFiveSetsOfShapes() {
    let sets = Dictionary(grouping: OperationTable.all, by: \.name)
      .mapValues { Set($0.flatMap(\.shapes)).count }
    XCTAssertGreaterThanOrEqual(sets.count, 50)
    for (name, count) in sets where count < 5 {
      XCTFail("\(name) is tried on \(count) sets of shapes; 5 are needed")
    }
  }

  private func check(_ table: [OperationCheck]) {
    for entry in table {
      let failures =
        entry.shapes.flatMap { entry.failures(on: $0) }
        + entry.largeShapes.flatMap { entry.failuresAlongDirection(on: $0) }
      for failure in failures { XCTFail(failure) }
    }
  }
}
