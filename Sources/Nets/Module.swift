import Tensor

/// A part of a network: something with a `forward` that computes one tensor from another.
///
/// People write ``forward(_:)``; everyone calls `layer(x)`, so that the package sees each call and
/// can tap any layer of any network.
///
/// ```swift
/// final class Net: Module {
///   let conv = Conv2d(3, 16, kernelSize: 3)
///   let fc = Linear(16, 10)
///
///   func forward(_ x: Tensor) -> Tensor {
///     fc(globalAveragePool(relu(conv(x))).flattened(from: 1))
///   }
/// }
/// ```
public protocol Module: Stateful, CustomStringConvertible {
  /// Computes the output; called by the package, never directly.
  func forward(_ input: Tensor) -> Tensor

  /// What this module holds, in order. The default reads the stored properties.
  var members: [Member] { get }

  /// A shape this module accepts; ``summary(inputShape:)`` runs the module on it.
  var exampleShape: TensorShape? { get }
}

extension Module {
  /// Runs the module.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    guard let tap = ActivationTap.current else { return withModulePrecision { forward(input) } }
    return tap.noting(self) { withModulePrecision { forward(input) } }
  }

  /// What this module holds: the stored properties that are modules, parameters or buffers, and
  /// those in optionals, arrays, dictionaries, tuples and structs.
  public var members: [Member] { reflectedMembers(of: self) }

  /// None is known.
  public var exampleShape: TensorShape? { nil }
}

// MARK: - What is inside

extension Module {
  /// The modules this one holds directly, in order, each with its name.
  public var children: [(name: String, module: any Module)] { Nets.children(among: members) }

  /// This module, with an empty name, and all below it, each under its dotted name.
  public var namedModules: [(name: String, module: any Module)] {
    var found: [(String, any Module)] = []
    visitModules { name, module, _ in found.append((name, module)) }
    return found
  }

  /// Every parameter under its dotted name; one that is held twice comes twice.
  public var namedParameters: [(name: String, parameter: Parameter)] {
    namedLeaves { if case .parameter(let parameter) = $0 { parameter } else { nil } }
      .map { (name: $0.0, parameter: $0.1) }
  }

  /// Every buffer under its dotted name; one that is held twice comes twice.
  public var namedBuffers: [(name: String, buffer: Buffer)] {
    namedLeaves { if case .buffer(let buffer) = $0 { buffer } else { nil } }
      .map { (name: $0.0, buffer: $0.1) }
  }

  /// Every parameter once, in order.
  public var parameters: [Parameter] { namedParameters.map(\.parameter).uniqued() }

  /// Every buffer once, in order.
  public var buffers: [Buffer] { namedBuffers.map(\.buffer).uniqued() }

  /// The number of numbers in all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elementCount } }

  /// Leaves under their dotted names: a module's own before those of its children, as torch does.
  private func namedLeaves<Leaf>(_ pick: (Member.Content) -> Leaf?) -> [(String, Leaf)] {
    var found: [(String, Leaf)] = []
    visitModules { name, _, members in
      for member in members {
        if let leaf = pick(member.content) { found.append((joined(name, member.name), leaf)) }
      }
    }
    return found
  }

  /// Depth first. A module that is on the path already is a reference back, not a child.
  ///
  /// The members of each are read once: by reflection they cost more than all the rest.
  private func visitModules(_ body: (String, any Module, [Member]) -> Void) {
    func visit(_ name: String, _ module: any Module, _ path: [ObjectIdentifier]) {
      guard !path.contains(ObjectIdentifier(module)) else { return }
      let members = module.members
      body(name, module, members)
      for child in Nets.children(among: members) {
        visit(joined(name, child.name), child.module, path + [ObjectIdentifier(module)])
      }
    }
    visit("", self, [])
  }
}

private func children(among members: [Member]) -> [(name: String, module: any Module)] {
  members.compactMap { member in
    if case .module(let module) = member.content { (member.name, module) } else { nil }
  }
}

/// A dotted name below `prefix`, which may be empty.
func joined(_ prefix: String, _ name: String) -> String {
  prefix.isEmpty ? name : prefix + "." + name
}

extension Array where Element: AnyObject {
  /// Each object once, where it comes first.
  package func uniqued() -> [Element] {
    var seen: Set<ObjectIdentifier> = []
    return filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}
