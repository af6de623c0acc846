import Files
import Foundation
import XCTest

/// A directory that lasts as long as the test that made it.
public struct TemporaryFiles {
  /// Its path.
  public let directory: String

  /// A new directory, which is removed after the test.
  public init(for test: XCTestCase) throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("DatasetsTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    test.addTeardownBlock { try? FileManager.default.removeItem(at: url) }
    directory = url.path
  }

  /// The path of a file in it.
  public func path(_ name: String) -> String { directory + "/" + name }

  /// Writes a file and says where.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }
}

/// Checks that `body` throws a `FileError` about `path` with exactly this sentence.
public func assertFails<Result>(
  _ path: String, _ reason: String, line: UInt = #line, _ body: () throws -> Result
) {
  XCTAssertThrowsError(try body(), line: line) { error in
    XCTAssertEqual("\(error)", "\(path): \(reason)", line: line)
    XCTAssertTrue(error is FileError, "\(type(of: error))", line: line)
  }
}

/// A file in the IDX format.
public func idxFile(_ dimensions: [Int], _ elements: [UInt8], type: UInt8 = 8) -> [UInt8] {
  let head = [0, 0, type, UInt8(dimensions.count)]
  let sizes = dimensions.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 0xff) } }
  return head + sizes + elements
}
