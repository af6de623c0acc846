import XCTest

final class OperationCoverageTests: XCTestCase {
  /// Public operations that have no gradient.
  private let withoutGradient: Set = [
    ".>(Tensor, Tensor)", ".<(Tensor, Tensor)", ".>=(Tensor, Tensor)", ".<=(Tensor, Tensor)",
    ".==(Tensor, Tensor)", ".>(Tensor, Float)", ".<(Tensor, Float)", "argmax()", "topK(Int)",
    "symmetricEigenvalues(Tensor)",
  ]

  func testEveryPublicOperationIsInTheTable() throws {
    let known = Set(OperationTable.all.map(\.name)).union(withoutGradient)
    let found = try PublicOperations.names()
    XCTAssertGreaterThan(found.count, 60)
    XCTAssertEqual(found.subtracting(known).sorted(), [], "public operations that no row checks")
    XCTAssertEqual(known.subtracting(found).sorted(), [], "rows for operations that do not exist")
  }

  func testDeclarationsAreReadFromText() {
    let text = """
      public func f(_ x: Tensor, axis: Int = -1, _ pairs: [(a: Int, b: Int)] = []) -> Tensor {
      func hidden(_ x: Tensor) {}
      public prefix func - (x: Tensor) -> Tensor {
        public subscript(range: Range<Int>) -> Tensor {
      public func .< (a: Tensor, b: Float) -> Tensor {
      """
    XCTAssertEqual(
      PublicOperations.declarations(in: text),
      [
        "f(Tensor, axis:, [(a: Int, b: Int)])", "-(Tensor)", "subscript(Range<Int>)",
        ".<(Tensor, Float)",
      ])
  }
}
