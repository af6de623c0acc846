import Foundation
import Tensor

/// Names a layer of a network whose output a learner takes.
///
/// A string is a dotted name such as `"layer4.1.bn2"`. A number counts the direct children, from
/// the end if it is negative, as byol-pytorch does: -2 is the last child but one, -1 the network
/// itself.
public enum HiddenLayer {
  /// The layer under a dotted name.
  case name(String)
  /// A direct child, or the network's output for -1.
  case index(Int)
  /// The layer itself.
  case module(any Module)
}

extension HiddenLayer: ExpressibleByStringLiteral {
  /// The layer under a dotted name.
  public init(stringLiteral name: String) { self = .name(name) }
}

extension HiddenLayer: ExpressibleByIntegerLiteral {
  /// A direct child, or the network's output for -1.
  public init(integerLiteral index: Int) { self = .index(index) }
}

/// No layer of a network answers to what was asked for.
public struct HiddenLayerError: Error, CustomStringConvertible, LocalizedError {
  /// What was asked for and what there is.
  public let description: String

  /// The description.
  public var errorDescription: String? { description }
}

extension HiddenLayer {
  /// The layer of `net` that this names.
  ///
  /// - Throws: ``HiddenLayerError``, which lists the names there are, the closest first.
  public func resolve(in net: any Module) throws -> any Module {
    switch self {
    case .module(let module):
      guard net.namedModules.contains(where: { $0.module === module }) else {
        throw HiddenLayerError(
          description: "the hidden layer of type \(type(of: module)) is not part of the network")
      }
      return module
    case .name(let name):
      let modules = net.namedModules
      guard let found = modules.first(where: { $0.name == name && !name.isEmpty }) else {
        throw HiddenLayerError(
          description: unknown(name, among: modules.map(\.name).filter { !$0.isEmpty }))
      }
      return found.module
    case .index(-1): return net
    case .index(let index):
      let children = net.children
      let position = index < 0 ? index + children.count : index
      guard children.indices.contains(position) else {
        throw HiddenLayerError(
          description: "hidden layer \(index) needs a network with more children; it has "
            + "\(children.count): \(children.map(\.name).joined(separator: ", "))")
      }
      return children[position].module
    }
  }

  private func unknown(_ name: String, among names: [String]) -> String {
    let sorted = names.map { ($0, editDistance($0, name)) }.sorted { $0.1 < $1.1 }.map(\.0)
    guard let closest = sorted.first else {
      return "hidden layer \"\(name)\" was asked for and the network has no layers by name"
    }
    let shown = sorted.prefix(40).joined(separator: ", ")
    let rest = sorted.count > 40 ? " and \(sorted.count - 40) more" : ""
    return "no hidden layer is called \"\(name)\"; did you mean \"\(closest)\"? "
      + "The network has: \(shown)\(rest)"
  }
}

/// How many letters must be inserted, removed or replaced to make one word of the other.
package func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var row = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let replaced = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
