import Foundation

/// A shared library that is opened at run time, because only some users need it.
///
/// It stays open until the process ends, so functions found in it stay valid.
package struct DynamicLibrary: Sendable {
  /// The file name the linker looks for, with the version of its interface.
  package let name: String
  // Unsafe: an opaque handle, which dlsym may use from any thread.
  private nonisolated(unsafe) let handle: UnsafeMutableRawPointer

  /// A library that cannot be opened, or a function that is not in it.
  package struct Failure: Error, Hashable, CustomStringConvertible {
    /// The library, and the package that has it.
    package let description: String
  }

  /// Opens a library.
  ///
  /// - Parameters:
  ///   - name: The file name, such as "libz.so.1".
  ///   - package: The Debian package to name when it is not there.
  ///   - isGlobal: Whether libraries that it opens itself see its symbols.
  /// - Throws: ``Failure``, if there is no such library.
  package init(_ name: String, package: String, isGlobal: Bool = false) throws {
    guard let handle = dlopen(name, RTLD_NOW | (isGlobal ? RTLD_GLOBAL : RTLD_LOCAL)) else {
      throw Failure(
        description: "needs the library \(name), which could not be opened "
          + "(\(Self.lastError)); install it with: apt-get install \(package)")
    }
    self.name = name
    self.handle = handle
  }

  /// The function called `symbol`, which the caller knows to have the C type `Function`.
  package func function<Function>(_ symbol: String, as type: Function.Type = Function.self) throws
    -> Function
  {
    unsafeBitCast(try address(of: symbol), to: type)
  }

  /// Where the function or the variable called `symbol` is.
  package func address(of symbol: String) throws -> UnsafeMutableRawPointer {
    guard let address = dlsym(handle, symbol) else {
      throw Failure(description: "needs \(symbol) in \(name); \(Self.lastError)")
    }
    return address
  }

  /// Whether there is something called `symbol`.
  package func has(_ symbol: String) -> Bool { dlsym(handle, symbol) != nil }

  private static var lastError: String {
    dlerror().map { String(cString: $0) } ?? "no reason given"
  }
}

/// The library that the file at `path` needs.
///
/// - Throws: ``FileError``, if this machine does not have it.
package func library<Library>(_ library: Result<Library, any Error>, for path: String) throws
  -> Library
{
  do {
    return try library.get()
  } catch {
    throw FileError(path, "\(error)", .missingLibrary)
  }
}
