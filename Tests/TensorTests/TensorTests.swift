import XCTest

@testable import Tensor

final class TensorTests: XCTestCase {
  func testCreation() {
    XCTAssertEqual(Tensor(2.5).shape, [])
    XCTAssertEqual(Tensor(2.5).item, 2.5)
    XCTAssertEqual(Tensor([1, 2, 3]).shape, [3])
    XCTAssertEqual(Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])[1].scalars, [4, 5, 6])
    XCTAssertEqual(Tensor.full(3, [2, 2]).scalars, [3, 3, 3, 3])
    XCTAssertEqual(Tensor.zeros([2]).scalars, [0, 0])
    XCTAssertEqual(Tensor.ones([1, 2]).scalars, [1, 1])
    XCTAssertEqual(Tensor.arange(4).scalars, [0, 1, 2, 3])
    XCTAssertEqual(Tensor.identity(2).scalars, [1, 0, 0, 1])
    XCTAssertEqual(Tensor.oneHot([2, 0], classCount: 3).scalars, [0, 0, 1, 1, 0, 0])
    let written = Tensor(shape: [3]) { buffer in
      for index in buffer.indices { buffer[index] = Float(index * index) }
    }
    XCTAssertEqual(written.scalars, [0, 1, 4])
  }

  func testLargeFillsReachEveryElement() {
    let count = 300_007
    XCTAssertTrue(Tensor.full(7, [count]).scalars.allSatisfy { $0 == 7 })
  }

  func testDescription() {
    XCTAssertEqual("\(Tensor(2.5))", "Tensor(2.5)")
    XCTAssertEqual("\(Tensor([1, 2.5]))", "Tensor[2] [1, 2.5]")
    XCTAssertEqual("\(Tensor.arange(6).reshaped([2, 3]))", "Tensor[2, 3] [[0, 1, 2], [3, 4, 5]]")
    XCTAssertEqual("\(Tensor.arange(1_000))", "Tensor[1000] [0, 1, 2, …, 999]")
    XCTAssertEqual("\(Tensor.zeros([2, 0]))", "Tensor[2, 0] [[], []]")
    XCTAssertLessThan("\(Tensor.zeros([100, 100, 100]))".count, 500)
  }

  func testReshapesAndSlicesShareStorage() {
    let x = Tensor.arange(24).reshaped([4, 3, 2])
    let before = Memory.usage.storages
    let (rows, row, flat) = (x[1..<3], x[2], x.reshaped([2, -1]))
    let rowOfRows = rows[1]
    XCTAssertEqual(Memory.usage.storages, before)
    XCTAssertEqual(rows.pointer, x.pointer + 6)
    XCTAssertEqual(row.pointer, x.pointer + 12)
    XCTAssertEqual(rowOfRows.pointer, row.pointer)
    XCTAssertEqual(flat.pointer, x.pointer)
    XCTAssertEqual(row.scalars, [12, 13, 14, 15, 16, 17])
    XCTAssertEqual(row[1][0].item, 14)
    XCTAssertEqual(rows.shape, [2, 3, 2])
  }

  func testASliceKeepsItsStorageAlive() {
    func slice() -> Tensor { Tensor.arange(1_000)[990..<993] }
    let kept = slice()
    _ = Tensor.full(-1, [1_000])
    XCTAssertEqual(kept.scalars, [990, 991, 992])
  }

  func testReshapedInfersOneSize() {
    let x = Tensor.arange(24)
    XCTAssertEqual(x.reshaped([-1]).shape, [24])
    XCTAssertEqual(x.reshaped([2, -1, 3]).shape, [2, 4, 3])
    XCTAssertEqual(x.reshaped([-1, 24]).shape, [1, 24])
    XCTAssertEqual(Tensor(1).reshaped([-1]).shape, [1])
    XCTAssertEqual(x.reshaped([2, 12]).flattened().shape, [24])
    XCTAssertEqual(Tensor(1).flattened().shape, [1])
  }

  func testShape() {
    let shape: TensorShape = [2, 3, 4]
    XCTAssertEqual(shape.rank, 3)
    XCTAssertEqual(shape.elementCount, 24)
    XCTAssertEqual(TensorShape([]).elementCount, 1)
    XCTAssertEqual(Array(shape), [2, 3, 4])
    XCTAssertEqual(shape.last, 4)
    XCTAssertEqual("\(shape)", "[2, 3, 4]")
    XCTAssertEqual(shape.strides, [12, 4, 1])
    XCTAssertEqual(shape.normalized(axes: [-1, 0]), [0, 2])
    XCTAssertEqual(shape.reduced(over: [0, 2], keepingAxes: false), [3])
    XCTAssertEqual(shape.reduced(over: [0, 2], keepingAxes: true), [1, 3, 1])
    XCTAssertEqual(shape.broadcast(with: [3, 1], operation: "test"), shape)
    XCTAssertEqual(TensorShape([2, 1]).broadcast(with: [1, 3], operation: "test"), [2, 3])
  }

  func testSize2D() {
    XCTAssertEqual(Size2D(height: 3, width: 3), 3)
    XCTAssertEqual(Size2D(height: 3, width: 5), [3, 5])
    XCTAssertEqual("\(Size2D(height: 3, width: 5))", "3x5")
  }

  func testEmptyTensors() {
    let empty = Tensor([], shape: [3, 0])
    XCTAssertEqual((empty + Tensor([1])).shape, [3, 0])
    XCTAssertEqual((empty * Tensor.ones([3, 1])).shape, [3, 0])
    XCTAssertEqual(relu(empty).scalars, [])
    XCTAssertEqual(empty.sum(axes: [1]).scalars, [0, 0, 0])
    XCTAssertEqual(empty.sum().item, 0)
    XCTAssertEqual(empty.transposed().shape, [0, 3])
    XCTAssertEqual(concatenated([empty, Tensor.ones([3, 2])], axis: 1).shape, [3, 2])
    XCTAssertEqual(Tensor.ones([4, 2])[1..<1].shape, [0, 2])
    XCTAssertEqual((Tensor([], shape: [0, 2]) + Tensor([1, 2])).shape, [0, 2])
  }
}
