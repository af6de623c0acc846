import Foundation

/// Data that could not be read: which file or directory, what was needed and what came.
public struct DatasetError: Error, Hashable, CustomStringConvertible, LocalizedError {
  /// The file or directory.
  public let path: String
  /// What was needed and what came, as a sentence.
  public let reason: String

  init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The path and the sentence.
  public var description: String { "\(path): \(reason)" }

  /// The path and the sentence.
  public var errorDescription: String? { description }
}
