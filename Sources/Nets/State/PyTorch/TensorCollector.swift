import Foundation
import Tensor

/// Collects the tensors of a pickle under dotted names, and its numbers and texts as notes.
struct TensorCollector {
  private var entries: [StateDict.Entry] = []
  private var unreadable: [StateDict.Unreadable] = []
  private var metadata: [String: String] = [:]
  private let storages: [String: Data]
  /// A bound on the work for values that are in many places.
  private var values: Int
  private let budget: MemoryBudget

  init(storages: [String: Data], fileSize: Int, _ budget: MemoryBudget) {
    self.storages = storages
    values = max(1 << 16, fileSize)
    self.budget = budget
  }

  var state: StateDict { StateDict(entries, unreadable: unreadable, metadata: metadata) }

  /// Adds the tensors, numbers and texts in `value`.
  mutating func collect(_ value: PickleValue, as name: String, depth: Int = 0) throws {
    values -= 1
    guard depth < 64, values > 0 else { throw TorchFileDamage("its pickle is nested too deeply") }
    if let parts = value.namedParts {
      for (key, value) in parts {
        try budget.take(name.utf8.count + key.utf8.count)
        try collect(value, as: joined(name, key), depth: depth + 1)
      }
      return
    }
    switch value {
    case .object(let object):
      try collect(object.arguments.values, madeBy: object.function, as: name, depth: depth)
    case .text(let text): try note(text, as: name)
    case .integer(let number): try note(String(number), as: name)
    case .number(let number): try note(String(number), as: name)
    case .bool(let flag): try note(String(flag), as: name)
    case .none, .bytes, .global, .elsewhere, .tuple, .list, .dictionary: break
    }
  }

  private mutating func note(_ text: String, as name: String) throws {
    try budget.take(128 + text.utf8.count)
    metadata[name] = text
  }

  private mutating func collect(
    _ arguments: [PickleValue], madeBy function: String, as name: String, depth: Int
  ) throws {
    switch function {
    case "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor":
      do {
        entries.append(try entry(arguments, name: name))
      } catch let failure as UnreadableNumbers {
        unreadable.append(StateDict.Unreadable(name: name, reason: failure.reason))
      }
    case "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state":
      if let value = arguments.first { try collect(value, as: name, depth: depth + 1) }
    case "torch._tensor _rebuild_from_type_v2":
      guard arguments.count >= 3, case .global(let function) = arguments[0],
        let arguments = arguments[2].items
      else { throw TorchFileDamage.pickle }
      try collect(arguments, madeBy: function, as: name, depth: depth + 1)
    case "torch._utils _rebuild_tensor_v3":
      guard arguments.count >= 7, case .global(let type) = arguments[6] else {
        throw TorchFileDamage.pickle
      }
      let failure = UnreadableNumbers(type: type.replacing("torch ", with: ""))
      unreadable.append(StateDict.Unreadable(name: name, reason: failure.reason))
    case _ where function.hasPrefix("torch") && function.contains(" _rebuild"):
      unreadable.append(
        StateDict.Unreadable(name: name, reason: "is made by \(function), which is not known"))
    default: break
    }
  }

  /// The tensor of a storage, an offset, sizes and strides.
  ///
  /// - Throws: ``TorchFileDamage``, or ``UnreadableNumbers`` if only this tensor cannot be read.
  private func entry(_ arguments: [PickleValue], name: String) throws -> StateDict.Entry {
    guard arguments.count >= 4, let storage = StorageReference(arguments[0]),
      let offset = arguments[1].integer, let sizes = arguments[2].items?.map({ $0.integer ?? -1 }),
      let strides = arguments[3].items?.map({ $0.integer ?? -1 }), sizes.count == strides.count
    else { throw TorchFileDamage("unsupported tensor record for \(name)") }
    guard sizes.count <= NumberType.highestRank else {
      throw TorchFileDamage(
        "\(name) has \(sizes.count) axes; \(NumberType.highestRank) can be read")
    }
    guard let type = storage.type else { throw UnreadableNumbers(type: storage.typeName) }
    try budget.take(256 + storage.key.utf8.count)
    guard let bytes = storages[storage.key] else {
      throw TorchFileDamage("the numbers of \(name) are missing")
    }
    let count = bytes.count / type.byteCount
    // In Double, for what a damaged file says may overflow.
    let last = zip(sizes, strides).reduce(Double(offset)) { $0 + (Double($1.0) - 1) * Double($1.1) }
    let elements = sizes.reduce(1) { $0 * Double(max($1, 1)) }
    guard offset >= 0, (sizes + strides).allSatisfy({ $0 >= 0 }),
      sizes.contains(0) || last < Double(count), budget.holds(4 * elements)
    else {
      throw TorchFileDamage("\(name) of shape \(sizes) does not fit the \(count) numbers there are")
    }
    try budget.take(sizes.reduce(4, *))
    let rowMajor = sizes.indices.map { axis in sizes[(axis + 1)...].reduce(1, *) }
    // The stride of an axis of one number is never used, and may be anything.
    let used = sizes.indices.map { sizes[$0] > 1 ? strides[$0] : rowMajor[$0] }
    return try type.entry(
      name, shape: sizes, strides: used == rowMajor ? nil : used, offset: offset, in: bytes)
  }
}

extension PickleValue {
  /// Whether it is a dictionary of any class, or a module.
  var isDictionary: Bool {
    switch self {
    case .dictionary: true
    case .object(let object): object.namedParts != nil
    default: false
    }
  }

  /// The parts that have names, or numbers; nil if the value is no collection.
  var namedParts: [(key: String, value: PickleValue)]? {
    switch self {
    case .dictionary(let box): named(box.content)
    case .tuple, .list: items.map(numbered)
    case .object(let object): object.namedParts
    default: nil
    }
  }
}

extension PickleObject {
  /// The parts of a dictionary of any class, of a module or of a list's subclass.
  fileprivate var namedParts: [(key: String, value: PickleValue)]? {
    if !pairs.isEmpty { return named(pairs) }
    if let parts = moduleParts ?? wrappedParts { return parts }
    if !items.isEmpty, !function.hasSuffix("set") { return numbered(items) }
    // Counter({…}), defaultdict(list) and such, which may be empty.
    guard Self.collections.contains(function) else { return nil }
    return arguments.values.last?.namedParts ?? []
  }

  private static let collections: Set = [
    "collections defaultdict", "collections Counter", "collections deque",
  ]

  private func attribute(_ name: String) -> PickleValue? {
    attributes?.pairs?.last { $0.key.text == name }?.value
  }

  /// What a module's state_dict() has: parameters, buffers that are saved, and the modules in it.
  private var moduleParts: [(key: String, value: PickleValue)]? {
    guard let parameters = attribute("_parameters")?.namedParts,
      let modules = attribute("_modules")?.namedParts
    else { return nil }
    let unsaved = attribute("_non_persistent_buffers_set")?.setItems.compactMap(\.text) ?? []
    let buffers = attribute("_buffers")?.namedParts ?? []
    return parameters + buffers.filter { !unsaved.contains($0.key) } + modules
  }

  /// What `UserDict` and `ChainMap` wrap.
  private var wrappedParts: [(key: String, value: PickleValue)]? {
    if let data = attribute("data"), data.pairs != nil, attributes?.pairs?.count == 1 {
      return data.namedParts
    }
    guard function == "collections ChainMap", let maps = attribute("maps")?.items else {
      return nil
    }
    var seen: Set<ExactName> = []
    return maps.flatMap { $0.namedParts ?? [] }.filter { seen.insert(ExactName($0.key)).inserted }
  }
}

extension PickleValue {
  /// The items of a set, which protocols write in two ways.
  fileprivate var setItems: [PickleValue] {
    guard case .object(let object) = self else { return [] }
    return object.items + (object.arguments.values.first?.items ?? [])
  }
}

private func named(_ pairs: [PicklePair]) -> [(key: String, value: PickleValue)] {
  pairs.map { ($0.key.text ?? $0.key.integer.map(String.init) ?? "", $0.value) }
}

private func numbered(_ items: [PickleValue]) -> [(key: String, value: PickleValue)] {
  items.enumerated().map { (String($0.offset), $0.element) }
}
