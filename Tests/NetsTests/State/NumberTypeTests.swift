import Foundation
import Tensor
import XCTest

@testable import Nets

final class NumberTypeTests: XCTestCase {
  /// Small integers of every type, in one buffer each.
  private func bytes(_ type: NumberType, count: Int) -> Data {
    func data<Number>(_ number: (Int) -> Number) -> Data {
      (0..<count).map(number).withUnsafeBytes { Data($0) }
    }
    return switch type {
    case .float64: data { Double($0) }
    case .float32: data { Float($0) }
    case .float16:
      // 2ⁿ · (1 + fraction / 1024), from the bits of the same Float.
      data { number -> UInt16 in
        let bits = Float(number).bitPattern
        return number == 0 ? 0 : UInt16(bits >> 13 & 0x3FF | ((bits >> 23) - 112) << 10)
      }
    case .bfloat16: data { UInt16(Float($0).bitPattern >> 16) }
    case .int64: data { Int64($0) }
    case .int32: data { Int32($0) }
    case .int16: data { Int16($0) }
    case .int8: data { Int8($0) }
    case .uint8, .bool: data { UInt8($0) }
    }
  }

  private let types: [NumberType] = [
    .float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8, .bool,
  ]

  func testRowsFromAnOffset() throws {
    for type in types {
      let data = bytes(type, count: 30)
      XCTAssertEqual(data.count, 30 * type.byteCount)
      let entry = try type.entry("x", shape: [2, 3, 4], offset: 5, in: data)
      XCTAssertEqual(entry.value.shape, [2, 3, 4])
      XCTAssertEqual(entry.value.scalars, (5..<29).map { Float($0) }, type.rawValue)
    }
  }

  func testAnyStrides() throws {
    for type in types {
      let data = bytes(type, count: 60)
      for (shape, strides) in [
        ([2, 3, 4], [12, 1, 3]), ([4, 3], [1, 4]), ([3], [7]), ([3, 2], [0, 5]), ([2, 0], [1, 2]),
        ([1, 5], [9, 2]), ([2, 2, 2, 2], [1, 2, 4, 8]),
      ] {
        var expected: [Float] = []
        func add(_ axis: Int, _ place: Int) {
          guard axis < shape.count else { return expected.append(Float(place)) }
          for index in 0..<shape[axis] { add(axis + 1, place + index * strides[axis]) }
        }
        add(0, 3)
        let entry = try type.entry("x", shape: shape, strides: strides, offset: 3, in: data)
        XCTAssertEqual(entry.value.scalars, expected, "\(type.rawValue) \(shape) \(strides)")
      }
    }
  }

  func testSlicesOfDataAndSingleNumbers() throws {
    for type in types {
      let slice = bytes(type, count: 9).dropFirst(2 * type.byteCount)
      let entry = try type.entry("x", shape: [], offset: 1, in: slice)
      XCTAssertEqual(entry.value.item, 3)
      XCTAssertEqual(entry.elementType, type == .int64 ? .int64 : .float32)
    }
  }

  /// From 2²⁴ on a Float has every second integer only.
  func testIntegersThatNoFloatEquals() throws {
    for number in [1 << 24 + 1, -(1 << 24) - 1, .max, 1 << 31 - 1] {
      let bytes = [0, number].withUnsafeBytes { Data($0) }
      XCTAssertThrowsError(try NumberType.int64.entry("x", shape: [2], in: bytes)) {
        XCTAssertEqual(
          ($0 as? UnreadableNumbers)?.reason, "holds \(number), which no 32-bit float equals")
      }
    }
    let bytes = [Int32.max, 1].withUnsafeBytes { Data($0) }
    XCTAssertThrowsError(try NumberType.int32.entry("x", shape: [2], in: bytes))
    for number in [1 << 24, -(1 << 24), 1 << 40, .min] {
      let bytes = [number].withUnsafeBytes { Data($0) }
      let entry = try NumberType.int64.entry("x", shape: [], in: bytes)
      XCTAssertEqual(Int(entry.value.item), number)
    }
  }
}
