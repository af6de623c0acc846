import Tensor

/// One thing a module holds, under its name in state dictionaries.
public struct Member {
  /// What can be held.
  public enum Content {
    /// A part of the network.
    case module(any Module)
    /// Numbers that training changes.
    case parameter(Parameter)
    /// Numbers that are kept but not trained.
    case buffer(Buffer)
  }

  /// The name below the module that holds it.
  public let name: String
  /// What is held.
  public let content: Content

  /// A member with a name of its own.
  public init(_ name: String, _ content: Content) {
    self.name = name
    self.content = content
  }
}

/// The members among the stored properties of `module`, those of its superclasses first.
func reflectedMembers(of module: any Module) -> [Member] {
  var mirrors: [Mirror] = []
  var mirror: Mirror? = Mirror(reflecting: module)
  while let level = mirror {
    mirrors.append(level)
    mirror = level.superclassMirror
  }
  return mirrors.reversed().flatMap { level in
    level.children.flatMap { members(in: $0.value, named: propertyName($0.label)) }
  }
}

/// The name a property was declared with: lazy ones are stored under a longer one.
private func propertyName(_ label: String?) -> String {
  guard let label else { return "" }
  let prefix = "$__lazy_storage_$_"
  return label.hasPrefix(prefix) ? String(label.dropFirst(prefix.count)) : label
}

private func members(in value: Any, named name: String) -> [Member] {
  switch value {
  case let module as any Module: return [Member(name, .module(module))]
  case let parameter as Parameter: return [Member(parameter.name ?? name, .parameter(parameter))]
  case let buffer as Buffer: return [Member(buffer.name ?? name, .buffer(buffer))]
  case is String, is any Numeric, is Tensor: return []
  default: return members(inside: Mirror(reflecting: value), named: name)
  }
}

/// The members in a container: entries of arrays and tuples by number, of dictionaries by key.
private func members(inside mirror: Mirror, named name: String) -> [Member] {
  switch mirror.displayStyle {
  case .optional:
    return mirror.children.first.map { members(in: $0.value, named: name) } ?? []
  case .collection:
    // Arrays hold one type: where the first is a number, a million others are too.
    if let first = mirror.children.first?.value, first is any Numeric || first is String {
      return []
    }
    return mirror.children.enumerated().flatMap {
      members(in: $0.element.value, named: joined(name, String($0.offset)))
    }
  case .tuple, .struct, .enum:
    return mirror.children.enumerated().flatMap { position, child in
      let label = child.label.map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 }
      return members(in: child.value, named: joined(name, label ?? String(position)))
    }
  case .dictionary:
    let entries: [(key: String, value: Any)] = mirror.children.compactMap { child in
      let pair = Mirror(reflecting: child.value).children.map(\.value)
      return pair.count == 2 ? (String(describing: pair[0]), pair[1]) : nil
    }
    return entries.sorted { $0.key < $1.key }
      .flatMap { members(in: $0.value, named: joined(name, $0.key)) }
  default: return []
  }
}
