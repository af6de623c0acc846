/// Something whose numbers a file can hold: a module, a learner or one of its parts.
public protocol Stateful: AnyObject {
  /// The numbers as they are now: a snapshot.
  var state: StateDict { get }

  /// Compares `state` with what is here and changes nothing.
  ///
  /// - Returns: What takes the numbers of `state`; it cannot fail.
  /// - Throws: `StateError` if names or shapes differ.
  func plan(_ state: StateDict) throws -> () -> Void

  /// Words that ``save(to:)`` writes beside the numbers: what they are of.
  var savedMetadata: [String: String] { get }
}

extension Stateful {
  /// None.
  public var savedMetadata: [String: String] { [:] }

  /// Takes the numbers of `state`, all of them or, if anything does not fit, none.
  ///
  /// - Throws: `StateError` if names or shapes differ.
  public func load(_ state: StateDict) throws { try plan(state)() }

  /// Writes the numbers as a safetensors file, with ``savedMetadata``.
  ///
  /// - Throws: `FileError` if the file cannot be written; an earlier file stays as it was.
  public func save(to path: String) throws {
    var state = state
    state.metadata.merge(savedMetadata) { $1 }
    try state.write(to: path)
  }

  /// Takes the numbers of a safetensors file, or of one that torch.save wrote, all of them or, if
  /// anything does not fit, none.
  ///
  /// - Throws: `FileError` if the file cannot be read, `StateError` if it does not fit.
  public func load(from path: String) throws {
    let state = try StateDict(contentsOf: path)
    try naming(path) { try load(state) }
  }
}

/// What `body` gives, where an error of a state names the file that it was read from.
package func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch var error as StateError {
    error.path = path
    throw error
  }
}
