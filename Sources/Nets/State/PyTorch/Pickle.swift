import Foundation

/// A value of a pickle. Calls are recorded and never made: no code in a file is run.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case bytes(Data)
  case tuple(PickleItems)
  case list(PickleBox<[PickleValue]>)
  case dictionary(PickleBox<[PicklePair]>)
  /// A function or a class: module and name.
  case global(String)
  /// What a call would give.
  case object(PickleObject)
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

  var pairs: [PicklePair]? { if case .dictionary(let box) = self { box.content } else { nil } }

  fileprivate var depth: Int {
    switch self {
    case .tuple(let items), .elsewhere(let items): items.depth
    case .object(let object): object.arguments.depth
    default: 0
    }
  }
}

typealias PicklePair = (key: PickleValue, value: PickleValue)

/// Nested values, depth-limited: freeing a deep chain would overflow the stack.
struct PickleItems {
  let values: [PickleValue]
  fileprivate let depth: Int

  fileprivate static let none = PickleItems()

  private init() { (values, depth) = ([], 1) }

  fileprivate init(_ values: [PickleValue]) throws {
    self.values = values
    depth = values.reduce(0) { max($0, $1.depth) } + 1
    guard depth < 64 else { throw TorchFileDamage("its pickle is nested too deeply") }
  }
}

/// A value that is filled after others refer to it, and emptied in the end, for it may hold itself.
protocol PickleContainer: AnyObject {
  func empty()
}

/// A list or a dictionary.
final class PickleBox<Content>: PickleContainer where Content: RangeReplaceableCollection {
  var content = Content()

  func empty() { content = Content() }
}

/// A call of a function or class, and what was put into the object that it would give.
final class PickleObject: PickleContainer {
  /// Module and name.
  let function: String
  let arguments: PickleItems
  /// What was appended, as to a list.
  fileprivate(set) var items: [PickleValue] = []
  /// What was set, as in a dictionary.
  fileprivate(set) var pairs: [PicklePair] = []
  /// The attributes, usually in a dictionary.
  fileprivate(set) var attributes: PickleValue?

  fileprivate init(_ function: String, _ arguments: PickleItems) {
    (self.function, self.arguments) = (function, arguments)
  }

  func empty() { (items, pairs, attributes) = ([], [], nil) }
}

/// The memory that a file may take: in proportion to its size, for a few bytes can ask for any
/// amount.
final class MemoryBudget {
  private var byteCount: Int

  init(fileSize: Int) { byteCount = 48 << 20 + 8 * fileSize }

  /// Whether so many bytes are left.
  func holds(_ count: Double) -> Bool { count <= Double(byteCount) }

  /// Notes that about so many bytes are needed.
  func take(_ count: Int) throws {
    byteCount -= count
    guard byteCount >= 0 else {
      throw TorchFileDamage("it holds more than a file of its size can: it is damaged, or hostile")
    }
  }
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
  /// Emptied at the end, for they may hold each other in cycles and long chains.
  private var containers: [any PickleContainer] = []
  private let budget: MemoryBudget
  private var stack: [PickleValue] = []
  /// Where the stack was at each mark.
  private var marks: [Int] = []
  private var memory: [Int: PickleValue] = [:]

  init(_ data: Data, _ budget: MemoryBudget) {
    bytes = LittleEndianBytes(data)
    place = 0
    self.budget = budget
  }

  deinit { for container in containers { container.empty() } }

  /// Reads one pickle to its end. Its values last as long as the reader.
  func value() throws -> PickleValue {
    (stack, marks, memory) = ([], [], [:])
    while true {
      let code = try next(UInt8.self)
      try budget.take(Cost.value)
      if code == UInt8(ascii: ".") { return try pop() }
      try run(code)
    }
  }

  /// About how many bytes of memory values take.
  private enum Cost {
    static let value = 32
    static let container = 128
    static let memory = 64
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
    case 0x8d: stack.append(.text(try text(count: Int(clamping: next(UInt64.self)))))
    case 0x8c: stack.append(.text(try text(count: Int(next(UInt8.self)))))
    case UInt8(ascii: "B"): stack.append(.bytes(try data(count: Int(next(UInt32.self)))))
    case 0x8e: stack.append(.bytes(try data(count: Int(clamping: next(UInt64.self)))))
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
    case UInt8(ascii: "q"): try memorize(at: Int(next(UInt8.self)))
    case UInt8(ascii: "r"): try memorize(at: Int(next(UInt32.self)))
    case 0x94: try memorize(at: memory.count)
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
    case UInt8(ascii: ")"): stack.append(.tuple(.none))
    case 0x85, 0x86, 0x87: stack.append(.tuple(try PickleItems(pop(Int(code) - 0x84))))
    case UInt8(ascii: "t"): stack.append(.tuple(try PickleItems(popToMark())))
    case UInt8(ascii: "]"): stack.append(.list(try kept(PickleBox())))
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"), 0x90: try append(popToMark())
    case UInt8(ascii: "}"): stack.append(.dictionary(try kept(PickleBox())))
    case UInt8(ascii: "s"): try set(pop(2))
    case UInt8(ascii: "u"): try set(popToMark())
    case UInt8(ascii: "c"): stack.append(try global(line(), line()))
    case 0x93:
      let names = try pop(2).map { $0.text ?? "" }
      stack.append(try global(names[0], names[1]))
    case UInt8(ascii: "R"), 0x81: try call()
    // Arguments under names are those of classes that hold no tensors.
    case 0x92:
      _ = try pop()
      try call()
    case 0x8f: stack.append(.object(try kept(PickleObject("builtins set", .none))))
    case 0x91:
      let set = PickleObject("builtins frozenset", .none)
      set.items = try popToMark()
      stack.append(.object(try kept(set)))
    case UInt8(ascii: "b"):
      let attributes = try pop()
      if case .object(let object) = try top() { object.attributes = attributes }
    case UInt8(ascii: "Q"):
      guard case .tuple(let items) = try pop() else { throw TorchFileDamage.pickle }
      stack.append(.elsewhere(items))
      try references.append(top())
    default:
      throw TorchFileDamage(
        "its pickle has the operation \(String(code, radix: 16)), which is not known")
    }
  }

  private func append(_ items: [PickleValue]) throws {
    switch try top() {
    case .list(let box): box.content += items
    case .object(let object): object.items += items
    default: throw TorchFileDamage.pickle
    }
  }

  private func set(_ items: [PickleValue]) throws {
    guard items.count.isMultiple(of: 2) else { throw TorchFileDamage.pickle }
    let pairs = stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    switch try top() {
    case .dictionary(let box): box.content += pairs
    case .object(let object): object.pairs += pairs
    default: throw TorchFileDamage.pickle
    }
  }

  private func call() throws {
    let parts = try pop(2)
    guard case .tuple(let arguments) = parts[1] else { throw TorchFileDamage.pickle }
    switch parts[0] {
    case .global("collections OrderedDict"):
      let pairs = (arguments.values.first?.items ?? []).compactMap(\.items).filter { $0.count == 2 }
      try budget.take(2 * Cost.value * pairs.count)
      let box = try kept(PickleBox<[PicklePair]>())
      box.content = pairs.map { ($0[0], $0[1]) }
      stack.append(.dictionary(box))
    case .global(let function):
      stack.append(.object(try kept(PickleObject(function, arguments))))
    // The result of another call, or a module's class in an old file.
    default: stack.append(.object(try kept(PickleObject("", .none))))
    }
  }

  private func kept<Container: PickleContainer>(_ container: Container) throws -> Container {
    try budget.take(Cost.container)
    containers.append(container)
    return container
  }

  /// - Throws: ``TorchFileDamage`` if the name is far longer than any: each use of it takes time.
  private func global(_ module: String, _ name: String) throws -> PickleValue {
    guard module.utf8.count + name.utf8.count < 512 else { throw TorchFileDamage.pickle }
    return .global(module + " " + name)
  }

  private func memorize(at key: Int) throws {
    try budget.take(Cost.memory)
    memory[key] = try top()
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
    try budget.take(Cost.value * count)
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw TorchFileDamage.pickle }
    return try pop(stack.count - mark)
  }
}
