import Tensor
import XCTest

final class ComparisonTests: XCTestCase {
  func testComparisons() {
    let (a, b) = (Tensor([1, 2, 3]), Tensor([2, 2, 2]))
    XCTAssertEqual((a .> b).scalars, [0, 0, 1])
    XCTAssertEqual((a .< b).scalars, [1, 0, 0])
    XCTAssertEqual((a .>= b).scalars, [0, 1, 1])
    XCTAssertEqual((a .<= b).scalars, [1, 1, 0])
    XCTAssertEqual((a .== b).scalars, [0, 1, 0])
    XCTAssertEqual((a .> 1.5).scalars, [0, 1, 1])
    XCTAssertEqual((a .< 1.5).scalars, [1, 0, 0])
    XCTAssertEqual((a.reshaped([3, 1]) .== a).scalars, Tensor.identity(3).scalars)
    XCTAssertFalse((a.tracked .> b).isTracked)
  }

  func testSelectedInfinitiesMakeNoNaN() {
    let (mask, x) = (Tensor([1, 0]), Tensor([1, 2]).tracked)
    let result = select(mask, x, Tensor(-.infinity))
    XCTAssertEqual(result.scalars, [1, -.infinity])
    XCTAssertEqual(gradients(of: select(mask, x, Tensor(0)).sum(), at: [x])[0].scalars, [1, 0])
  }

  func testArgmaxTakesTheFirstOfEquals() {
    XCTAssertEqual(Tensor([1, 3, 3, 5, 5, 0], shape: [2, 3]).argmax(), [1, 0])
    XCTAssertEqual(Tensor([4, 2, 9]).argmax(), [2])
  }

  func testTopIsASortedPrefix() {
    var stream = RandomStream(seed: 40)
    let x = Tensor.normal([40, 60], using: &stream)
    for count in [0, 1, 7, 60] {
      for (row, top) in x.topK(count).enumerated() {
        let values = x[row].scalars
        let order = values.indices.sorted { values[$0] > values[$1] }.prefix(count)
        XCTAssertEqual(top.indices, Array(order))
        XCTAssertEqual(top.values, order.map { values[$0] })
      }
    }
    XCTAssertEqual(Tensor([2, 5, 5, 5, 1]).topK(2)[0].indices, [1, 2])
  }

  func testTiesShareTheGradient() {
    let x = Tensor([3, 1, 3]).tracked
    XCTAssertEqual(gradients(of: x.max(), at: [x])[0].scalars, [0.5, 0, 0.5])
    let (a, b) = (Tensor([2]).tracked, Tensor([2]).tracked)
    XCTAssertEqual(gradients(of: maximum(a, b).sum(), at: [a, b]).map(\.item), [0.5, 0.5])
    XCTAssertEqual(gradients(of: minimum(a, b).sum(), at: [a, b]).map(\.item), [0.5, 0.5])
  }

  func testGradientsAtKinks() {
    let zero = Tensor([0]).tracked
    for function in [relu, abs, { $0.norm() }] as [(Tensor) -> Tensor] {
      XCTAssertEqual(gradients(of: function(zero).sum(), at: [zero])[0].item, 0)
    }
  }
}
