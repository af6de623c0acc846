import Foundation
import Tensor

/// How the numbers of one type become floats.
struct NumberDecoder {
  let byteCount: Int
  /// Whether single numbers of this type are counts of batches.
  private var isCount = false
  private let decode: (_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float

  init?(_ type: String) {
    func number<Number>(_: Number.Type, _ convert: @escaping (Number) -> Float) -> NumberDecoder {
      NumberDecoder(byteCount: MemoryLayout<Number>.size) { bytes, offset in
        convert(bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
      }
    }
    switch type {
    case "F64": self = number(Double.self) { Float($0) }
    case "F32": self = number(Float.self) { $0 }
    case "F16": self = number(UInt16.self, floatFromHalf)
    case "BF16": self = number(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case "I64":
      self = number(Int64.self) { Float($0) }
      isCount = true
    case "I32": self = number(Int32.self) { Float($0) }
    case "I16": self = number(Int16.self) { Float($0) }
    case "I8": self = number(Int8.self) { Float($0) }
    case "U8", "BOOL": self = number(UInt8.self) { Float($0) }
    default: return nil
    }
  }

  /// The entry of a tensor whose number at each place of the shape, counted row by row, is at `place` among
  /// the numbers in `bytes`.
  func entry(
    _ name: String, shape: [Int], of bytes: Data, at place: (Int) -> Int
  ) -> State.Entry {
    let value = bytes.withUnsafeBytes { bytes in
      Tensor(shape: Shape(shape)) { out in
        for index in out.indices { out[index] = decode(bytes, place(index) * byteCount) }
      }
    }
    return State.Entry(name, value, elementType: isCount && shape.isEmpty ? .int64 : .float32)
  }

  private init(
    byteCount: Int, decode: @escaping (_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float
  ) {
    self.byteCount = byteCount
    self.decode = decode
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
