import Foundation

/// What a pickle holds. Calls are noted and not made: nothing in a file is run.
indirect enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case bytes(Data)
  case tuple([PickleValue])
  case list(PickleBox<[PickleValue]>)
  case dictionary(PickleBox<[(key: PickleValue, value: PickleValue)]>)
  /// A function or a class: module and name.
  case global(String)
  case call(function: String, arguments: [PickleValue])
  /// What the program that wrote the pickle keeps elsewhere.
  case elsewhere(PickleValue)

  var items: [PickleValue]? {
    switch self {
    case .tuple(let items): items
    case .list(let box): box.content
    default: nil
    }
  }

  var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// Something that is filled after others hold it.
final class PickleBox<Content> {
  var content: Content

  init(_ content: Content) { self.content = content }
}

/// Python's pickle format, as far as dictionaries of tensors need it: a program for a machine with a stack and a
/// memory (docs.python.org/3/library/pickletools.html).
struct PickleReader {
  private let bytes: LittleEndianBytes
  /// Where the next byte is.
  private(set) var place: Int
  private var stack: [PickleValue] = []
  /// Where the stack was at each mark.
  private var marks: [Int] = []
  private var memory: [Int: PickleValue] = [:]

  init(_ data: Data, from place: Int = 0) {
    bytes = LittleEndianBytes(data)
    self.place = place
  }

  /// Reads one pickle, to its end.
  mutating func value() throws -> PickleValue {
    (stack, marks, memory) = ([], [], [:])
    while true {
      let code = try next(UInt8.self)
      if code == UInt8(ascii: ".") { return try pop() }
      try run(code)
    }
  }

  private mutating func run(_ code: UInt8) throws {
    if try runConstant(code) { return }
    if try runMemory(code) { return }
    try runCollection(code)
  }
}

// MARK: - Operations

extension PickleReader {
  /// Pushes a number, a text or the like; whether `code` says so.
  private mutating func runConstant(_ code: UInt8) throws -> Bool {
    switch code {
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88, 0x89: stack.append(.bool(code == 0x88))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try next(UInt8.self))))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try next(UInt16.self))))
    case UInt8(ascii: "J"): stack.append(.integer(Int(try next(Int32.self))))
    case 0x8a: stack.append(try long(count: Int(next(UInt8.self))))
    case 0x8b: stack.append(try long(count: Int(next(Int32.self))))
    case UInt8(ascii: "G"):
      stack.append(.number(Double(bitPattern: try next(UInt64.self).byteSwapped)))
    case UInt8(ascii: "X"): stack.append(.text(try text(count: Int(next(UInt32.self)))))
    case 0x8c: stack.append(.text(try text(count: Int(next(UInt8.self)))))
    case UInt8(ascii: "T"), UInt8(ascii: "B"):
      stack.append(.bytes(try data(count: Int(next(UInt32.self)))))
    case UInt8(ascii: "U"), UInt8(ascii: "C"):
      stack.append(.bytes(try data(count: Int(next(UInt8.self)))))
    default: return false
    }
    return true
  }

  /// Remembers and recalls, and what else leaves values as they are; whether `code` says so.
  private mutating func runMemory(_ code: UInt8) throws -> Bool {
    switch code {
    case 0x80: _ = try next(UInt8.self)
    case 0x95: _ = try next(UInt64.self)
    case UInt8(ascii: "q"): memory[Int(try next(UInt8.self))] = try top()
    case UInt8(ascii: "r"): memory[Int(try next(UInt32.self))] = try top()
    case 0x94: memory[memory.count] = try top()
    case UInt8(ascii: "h"): stack.append(try recalled(Int(next(UInt8.self))))
    case UInt8(ascii: "j"): stack.append(try recalled(Int(next(UInt32.self))))
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "("): marks.append(stack.count)
    default: return false
    }
    return true
  }

  private mutating func runCollection(_ code: UInt8) throws {
    switch code {
    case UInt8(ascii: ")"): stack.append(.tuple([]))
    case 0x85, 0x86, 0x87: stack.append(.tuple(try pop(Int(code) - 0x84)))
    case UInt8(ascii: "t"): stack.append(.tuple(try popToMark()))
    case UInt8(ascii: "]"): stack.append(.list(PickleBox([])))
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"): try append(popToMark())
    case UInt8(ascii: "}"): stack.append(.dictionary(PickleBox([])))
    case UInt8(ascii: "s"): try set(pop(2))
    case UInt8(ascii: "u"): try set(popToMark())
    case UInt8(ascii: "c"): stack.append(.global(try line() + " " + line()))
    case 0x93:
      let names = try pop(2).map { $0.text ?? "" }
      stack.append(.global(names.joined(separator: " ")))
    case UInt8(ascii: "R"), 0x81: try call()
    // What an object is given beside its items is of no use here.
    case UInt8(ascii: "b"): _ = try pop()
    case UInt8(ascii: "Q"): stack.append(.elsewhere(try pop()))
    default:
      throw TorchFileDamage(
        "its pickle has the operation \(String(code, radix: 16)), which is not known")
    }
  }

  private mutating func append(_ items: [PickleValue]) throws {
    guard case .list(let box) = try top() else { throw TorchFileDamage.pickle }
    box.content += items
  }

  private mutating func set(_ items: [PickleValue]) throws {
    guard items.count.isMultiple(of: 2) else { throw TorchFileDamage.pickle }
    // Items of an object that is no dictionary are of no use here.
    guard case .dictionary(let box) = try top() else { return }
    for index in stride(from: 0, to: items.count, by: 2) {
      box.content.append((items[index], items[index + 1]))
    }
  }

  private mutating func call() throws {
    let parts = try pop(2)
    guard case .global(let function) = parts[0], let arguments = parts[1].items else {
      throw TorchFileDamage.pickle
    }
    let isDictionary = function == "collections OrderedDict"
    stack.append(
      isDictionary
        ? .dictionary(PickleBox([])) : .call(function: function, arguments: arguments))
  }
}

// MARK: - Bytes and values

extension PickleReader {
  private mutating func data(count: Int) throws -> Data {
    let data = try bytes.slice(at: place, count: count)
    place += count
    return data
  }

  private mutating func next<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
    let number = try bytes.number(at: place, Number.self)
    place += MemoryLayout<Number>.size
    return number
  }

  private mutating func text(count: Int) throws -> String {
    String(decoding: try data(count: count), as: UTF8.self)
  }

  /// The letters up to the end of a line.
  private mutating func line() throws -> String {
    var letters: [UInt8] = []
    while true {
      let letter = try next(UInt8.self)
      if letter == 10 { return String(decoding: letters, as: UTF8.self) }
      letters.append(letter)
    }
  }

  /// An integer of any length; as bytes, if it is too long.
  private mutating func long(count: Int) throws -> PickleValue {
    let data = try data(count: count)
    guard count <= 8 else { return .bytes(data) }
    let isNegative = (data.last ?? 0) >= 0x80
    return .integer(
      data.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
  }

  private func top() throws -> PickleValue {
    guard let value = stack.last else { throw TorchFileDamage.pickle }
    return value
  }

  private func recalled(_ key: Int) throws -> PickleValue {
    guard let value = memory[key] else { throw TorchFileDamage.pickle }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    guard let value = stack.popLast() else { throw TorchFileDamage.pickle }
    return value
  }

  private mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count >= count else { throw TorchFileDamage.pickle }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw TorchFileDamage.pickle }
    return try pop(stack.count - mark)
  }
}
