// Swift has no type for a C function that takes a `va_list`. C passes it as a pointer: it is one, or
// an array or a large structure, which are passed by their address.

/// Calls `body` with `arguments` as C passes a `va_list`.
func withCVaList<Result>(
  _ arguments: [any CVarArg], _ body: (UnsafeMutableRawPointer?) -> Result
) -> Result {
  withVaList(arguments) { list in
    withUnsafeBytes(of: list) { bytes in
      // Only read: the C function has the arguments for itself.
      body(
        CVaListPointer.isPointer
          ? bytes.load(as: UnsafeMutableRawPointer?.self)
          : UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
  }
}

extension CVaListPointer {
  fileprivate static var isPointer: Bool {
    MemoryLayout<CVaListPointer>.size == MemoryLayout<UnsafeRawPointer>.size
  }

  /// The list that C passes as `pointer`.
  init(_ pointer: UnsafeMutableRawPointer) {
    self =
      Self.isPointer
      ? withUnsafeBytes(of: pointer) { $0.load(as: CVaListPointer.self) }
      : pointer.load(as: CVaListPointer.self)
  }
}
