import Foundation
import Tensor

/// The number types of files, under safetensors' names.
enum NumberType: String {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint8 = "U8"
  case bool = "BOOL"

  var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// The most axes that a tensor of a file may have, as in torch and NumPy.
  static let highestRank = 64

  /// The entry whose numbers are in `bytes` from `offset` on; row-major if no strides are given.
  ///
  /// - Throws: ``UnreadableNumbers``.
  /// - Precondition: Shape, strides and offset stay inside `bytes`.
  func entry(
    _ name: String, shape: [Int], strides: [Int]? = nil, offset: Int = 0, in bytes: Data
  ) throws -> StateDict.Entry {
    let value = try bytes.withUnsafeBytes { bytes in
      try Tensor(shape: TensorShape(shape)) { out in
        guard let source = bytes.baseAddress, let target = out.baseAddress, !out.isEmpty else {
          return
        }
        let (strides, length) = (strides ?? [1], strides == nil ? out.count : shape.last ?? 1)
        var (indices, start) = ([Int](repeating: 0, count: strides.count), offset)
        for row in 0..<out.count / length {
          try decode(
            source + start * byteCount, step: strides.last ?? 1, to: target + row * length, length)
          // The next row: the last of the outer axes moves first.
          for axis in strides.indices.dropLast().reversed() {
            if indices[axis] + 1 < shape[axis] {
              indices[axis] += 1
              start += strides[axis]
              break
            }
            start -= indices[axis] * strides[axis]
            indices[axis] = 0
          }
        }
      }
    }
    // Single integers are counts of batches.
    let isCount = self == .int64 && shape.isEmpty
    return StateDict.Entry(name, value, elementType: isCount ? .int64 : .float32)
  }

  private func decode(
    _ source: UnsafeRawPointer, step: Int, to target: UnsafeMutablePointer<Float>, _ count: Int
  ) throws {
    @inline(__always) func convert<Number>(
      _: Number.Type, _ float: (Number) throws -> Float
    ) rethrows {
      let distance = step * MemoryLayout<Number>.size
      for index in 0..<count {
        target[index] = try float(
          source.loadUnaligned(fromByteOffset: index * distance, as: Number.self))
      }
    }
    @inline(__always) func integer<Number: BinaryInteger>(_ number: Number) throws -> Float {
      guard let value = Float(exactly: number) else {
        throw UnreadableNumbers(reason: "holds \(number), which no 32-bit float equals")
      }
      return value
    }
    switch self {
    case .float32 where step == 1:
      UnsafeMutableRawPointer(target).copyMemory(
        from: source, byteCount: count * MemoryLayout<Float>.size)
    case .float32: convert(Float.self) { $0 }
    case .float64: convert(Double.self) { Float($0) }
    case .float16: convert(UInt16.self, floatFromHalf)
    case .bfloat16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .int64: try convert(Int64.self) { try integer($0) }
    case .int32: try convert(Int32.self) { try integer($0) }
    case .int16: convert(Int16.self) { Float($0) }
    case .int8: convert(Int8.self) { Float($0) }
    case .uint8, .bool: convert(UInt8.self) { Float($0) }
    }
  }
}

/// The numbers of a tensor are of a kind that 32-bit floats cannot hold.
struct UnreadableNumbers: Error {
  /// What they are, after "it".
  let reason: String

  init(reason: String) { self.reason = reason }

  /// Numbers of a type that is not known.
  init(type: String) {
    reason =
      "is of type \(type); F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL can be read"
  }
}

/// The value of an IEEE half-precision pattern; Swift has no Float16 on every platform.
private func floatFromHalf(_ bits: UInt16) -> Float {
  let sign: Float = bits >> 15 == 0 ? 1 : -1
  let exponent = Int(bits >> 10 & 0x1F)
  let fraction = Float(bits & 0x3FF)
  switch exponent {
  case 0: return sign * fraction * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default:
    return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
  }
}
