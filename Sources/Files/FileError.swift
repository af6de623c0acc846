import Foundation

/// A file that cannot be read or written, or is not what it should be.
public struct FileError: Error, Hashable, CustomStringConvertible, LocalizedError {
  /// The file or directory.
  public let path: String
  /// What was needed and what came.
  public let reason: String
  /// What can be done about it.
  public let kind: Kind

  /// What can be done about an error.
  public enum Kind: Sendable, Hashable {
    /// The file or the permission is missing, or it is another kind of file.
    case unreadable
    /// A library that reads such files is missing.
    case missingLibrary
    /// The contents are wrong: leave the file out, or get another copy.
    case damaged
    /// The system does not take the file.
    case unwritable
  }

  /// An error about the file at `path`.
  public init(path: String, reason: String, kind: Kind = .unreadable) {
    self.path = path
    self.reason = reason
    self.kind = kind
  }

  /// An error about the file at `path`.
  package init(_ path: String, _ reason: String, _ kind: Kind = .unreadable) {
    self.init(path: path, reason: reason, kind: kind)
  }

  /// `error`, or the file at `path` and what `error` says.
  package init(_ error: any Error, at path: String) {
    self = error as? FileError ?? FileError(path, "\(error)")
  }

  /// The path and the reason.
  public var description: String { "\(path): \(reason)" }

  /// The path and the reason.
  public var errorDescription: String? { description }
}
