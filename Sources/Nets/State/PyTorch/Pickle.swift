import Foundation

/// A value of a pickle. Calls are recorded and never made: no code in a file is run.
indirect enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case bytes(Data)
  case tuple(PickleItems)
  case list(PickleBox<[PickleValue]>)
  case dictionary(PickleBox<[(key: PickleValue, value: PickleValue)]>)
  /// A function or a class: module and name.
  case global(String)
  case call(function: String, PickleItems)
  /// A reference to something outside of the pickle.
  case elsewhere(PickleItems)

  var items: [PickleValue]? {
    switch self {
    case .tuple(let items), .elsewhere(let items): items.values
    case .list(let box): box.content
    default: nil
    }
  }

  var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  var text: String? { if case .text(let value) = self { value } else { nil } }

  fileprivate var depth: Int {
    switch self {
    case .tuple(let items), .call(_, let items), .elsewhere(let items): items.depth
    default: 0
    }
  }
}

/// Nested values, depth-limited: freeing a deep chain would overflow the stack.
struct PickleItems {
  let values: [PickleValue]
  fileprivate let depth: Int

  fileprivate init(_ values: [PickleValue]) throws {
    self.values = values
    depth = values.reduce(0) { max($0, $1.depth) } + 1
    guard depth < 64 else { throw TorchFileDamage("its pickle is nested too deeply") }
  }
}

/// A container that is filled after others refer to it.
final class PickleBox<Content> {
  var content: Content

  init(_ content: Content) { self.content = content }
}

/// Reads Python's pickle format, as far as dictionaries of tensors need it.
///
/// A pickle is a program for a machine with a stack and a memory
/// (docs.python.org/3/library/pickletools.html).
final class PickleReader {
  private let bytes: LittleEndianBytes
  /// Where the next byte is.
  private(set) var place: Int
  /// All references to the outside, also those of values that are not needed.
  private(set) var references: [PickleValue] = []
  /// Empties the boxes at the end, for they may hold each other in cycles and long chains.
  private var emptyBoxes: [() -> Void] = []
  private var stack: [PickleValue] = []
  /// Where the stack was at each mark.
  private var marks: [Int] = []
  private var memory: [Int: PickleValue] = [:]

  init(_ data: Data, from place: Int = 0) {
    bytes = LittleEndianBytes(data)
    self.place = place
  }

  deinit { for empty in emptyBoxes { empty() } }

  /// Reads one pickle to its end. Its values last as long as the reader.
  func value() throws -> PickleValue {
    (stack, marks, memory) = ([], [], [:])
    while true {
      let code = try next(UInt8.self)
      if code == UInt8(ascii: ".") { return try pop() }
      try run(code)
    }
  }

  private func run(_ code: UInt8) throws {
    if try runConstant(code) { return }
    if try runMemory(code) { return }
    try runCollection(code)
  }
}

// MARK: - Operations

extension PickleReader {
  /// Pushes a constant; false if `code` is another operation.
  private func runConstant(_ code: UInt8) throws -> Bool {
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
    case UInt8(ascii: "B"): stack.append(.bytes(try data(count: Int(next(UInt32.self)))))
    case UInt8(ascii: "C"): stack.append(.bytes(try data(count: Int(next(UInt8.self)))))
    // Python 2's strings, which could be either.
    case UInt8(ascii: "T"): stack.append(textOrBytes(try data(count: Int(next(UInt32.self)))))
    case UInt8(ascii: "U"): stack.append(textOrBytes(try data(count: Int(next(UInt8.self)))))
    default: return false
    }
    return true
  }

  /// Stores, recalls, copies or drops values; false if `code` is another operation.
  private func runMemory(_ code: UInt8) throws -> Bool {
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

  private func runCollection(_ code: UInt8) throws {
    switch code {
    case UInt8(ascii: ")"): stack.append(.tuple(try PickleItems([])))
    case 0x85, 0x86, 0x87: stack.append(.tuple(try PickleItems(pop(Int(code) - 0x84))))
    case UInt8(ascii: "t"): stack.append(.tuple(try PickleItems(popToMark())))
    case UInt8(ascii: "]"):
      let box = PickleBox<[PickleValue]>([])
      emptyBoxes.append { box.content = [] }
      stack.append(.list(box))
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"): try append(popToMark())
    case UInt8(ascii: "}"): stack.append(dictionary([]))
    case UInt8(ascii: "s"): try set(pop(2))
    case UInt8(ascii: "u"): try set(popToMark())
    case UInt8(ascii: "c"): stack.append(.global(try line() + " " + line()))
    case 0x93:
      let names = try pop(2).map { $0.text ?? "" }
      stack.append(.global(names.joined(separator: " ")))
    case UInt8(ascii: "R"), 0x81: try call()
    // An object's attributes are not needed.
    case UInt8(ascii: "b"): _ = try pop()
    case UInt8(ascii: "Q"):
      stack.append(.elsewhere(try PickleItems(pop().items ?? [])))
      try references.append(top())
    default:
      throw TorchFileDamage(
        "its pickle has the operation \(String(code, radix: 16)), which is not known")
    }
  }

  private func append(_ items: [PickleValue]) throws {
    // Items of other objects are not needed.
    guard case .list(let box) = try top() else { return }
    box.content += items
  }

  private func set(_ items: [PickleValue]) throws {
    guard items.count.isMultiple(of: 2) else { throw TorchFileDamage.pickle }
    // Items of other objects are not needed.
    guard case .dictionary(let box) = try top() else { return }
    for index in stride(from: 0, to: items.count, by: 2) {
      box.content.append((items[index], items[index + 1]))
    }
  }

  private func call() throws {
    let parts = try pop(2)
    let arguments = parts[1].items ?? []
    switch parts[0] {
    case .global("collections OrderedDict"):
      let pairs = (arguments.first?.items ?? []).compactMap(\.items).filter { $0.count == 2 }
      stack.append(dictionary(pairs.map { ($0[0], $0[1]) }))
    case .global(let function):
      stack.append(.call(function: function, try PickleItems(arguments)))
    // The result of another call, or a module's class in an old file.
    default: stack.append(.call(function: "", try PickleItems([])))
    }
  }

  private func dictionary(_ pairs: [(key: PickleValue, value: PickleValue)]) -> PickleValue {
    let box = PickleBox(pairs)
    emptyBoxes.append { box.content = [] }
    return .dictionary(box)
  }
}

// MARK: - Bytes and values

extension PickleReader {
  private func data(count: Int) throws -> Data {
    let data = try bytes.slice(at: place, count: count)
    place += count
    return data
  }

  private func next<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
    let number = try bytes.number(at: place, Number.self)
    place += MemoryLayout<Number>.size
    return number
  }

  private func text(count: Int) throws -> String {
    String(decoding: try data(count: count), as: UTF8.self)
  }

  private func textOrBytes(_ data: Data) -> PickleValue {
    String(data: data, encoding: .utf8).map { .text($0) } ?? .bytes(data)
  }

  /// The text up to the end of the line.
  private func line() throws -> String {
    var letters: [UInt8] = []
    while true {
      let letter = try next(UInt8.self)
      if letter == 10 { return String(decoding: letters, as: UTF8.self) }
      letters.append(letter)
    }
  }

  /// An integer of any length; bytes, if it does not fit.
  private func long(count: Int) throws -> PickleValue {
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

  private func pop() throws -> PickleValue {
    guard let value = stack.popLast() else { throw TorchFileDamage.pickle }
    return value
  }

  private func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count >= count else { throw TorchFileDamage.pickle }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw TorchFileDamage.pickle }
    return try pop(stack.count - mark)
  }
}
