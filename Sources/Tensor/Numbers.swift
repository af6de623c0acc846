internal import CTensorKernels

/// How many bits a number has in memory.
enum NumberFormat: Sendable {
  case float32
  /// The upper half of a float of 32 bits: 8 of its 24 significant bits. What is carried from one
  /// operation to the next may have it where products are of bfloat16.
  case bfloat16

  /// The floats of 32 bits that take as much memory as `count` numbers.
  func floatCount(_ count: Int) -> Int { self == .bfloat16 ? (count + 1) / 2 : count }

  /// The bytes of a number.
  var size: Int { self == .bfloat16 ? 2 : 4 }
}

/// Numbers of either format in memory, which whoever has this keeps alive.
struct Numbers {
  let address: UnsafeRawPointer
  let format: NumberFormat

  init(_ address: UnsafeRawPointer, _ format: NumberFormat) {
    (self.address, self.format) = (address, format)
  }

  init(_ floats: UnsafePointer<Float>) { self.init(floats, .float32) }

  /// The numbers from a place on.
  static func + (numbers: Numbers, place: Int) -> Numbers {
    Numbers(numbers.address + place * numbers.format.size, numbers.format)
  }

  var floats: UnsafePointer<Float> {
    precondition(format == .float32, "a kernel for numbers of 32 bits was given some of 16")
    return address.assumingMemoryBound(to: Float.self)
  }

  var halves: UnsafePointer<UInt16> {
    precondition(format == .bfloat16, "a kernel for numbers of 16 bits was given some of 32")
    return address.assumingMemoryBound(to: UInt16.self)
  }

  /// Copies the first `count` numbers, in the format of the target.
  func copy(_ count: Int, to target: MutableNumbers) {
    switch (format, target.format) {
    case (.float32, .float32): target.floats.update(from: floats, count: count)
    case (.bfloat16, .bfloat16): target.halves.update(from: halves, count: count)
    case (.float32, .bfloat16): ctk_narrow(floats, count, target.halves)
    case (.bfloat16, .float32): ctk_widen(halves, count, target.floats)
    }
  }

  /// The same for kernels in C.
  var layout: CTKNumbers { CTKNumbers(address: address, format: format.layout) }
}

/// The same of numbers that a kernel writes.
struct MutableNumbers {
  /// What was written.
  let read: Numbers

  init(_ address: UnsafeMutableRawPointer, _ format: NumberFormat) {
    read = Numbers(address, format)
  }

  init(_ floats: UnsafeMutablePointer<Float>) { self.init(floats, .float32) }

  static func + (numbers: MutableNumbers, place: Int) -> MutableNumbers {
    MutableNumbers(numbers.address + place * numbers.format.size, numbers.format)
  }

  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(mutating: read.address) }
  var format: NumberFormat { read.format }

  var floats: UnsafeMutablePointer<Float> { UnsafeMutablePointer(mutating: read.floats) }

  var halves: UnsafeMutablePointer<UInt16> { UnsafeMutablePointer(mutating: read.halves) }

  /// The same for kernels in C.
  var layout: CTKMutableNumbers { CTKMutableNumbers(address: address, format: format.layout) }
}

extension MutableNumbers {
  /// Zeros in place of the first `count` numbers.
  func clear(_ count: Int) {
    address.initializeMemory(as: UInt8.self, repeating: 0, count: count * format.size)
  }

  /// Room for `count` floats where numbers have another format.
  func floatRoom(_ count: Int) -> Storage? {
    format == .float32 ? nil : Storage(elementCount: count)
  }

  /// Lets `body` write `count` numbers as floats: where they belong or, if there is a room of
  /// floats, in it, from which they are rounded.
  func writeFloats(_ count: Int, in room: Storage?, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    guard let room else { return body(floats) }
    body(room.pointer)
    ctk_narrow(room.pointer, count, halves)
    extendLifetime(room)
  }
}

extension NumberFormat {
  /// The same for kernels in C.
  var layout: CTKFormat { self == .bfloat16 ? CTKBFloat16 : CTKFloat32 }
}
