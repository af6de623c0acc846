import XCTest

@testable import Files

final class DynamicLibraryTests: XCTestCase {
  func testCallsAFunctionOfALibrary() throws {
    typealias Absolute = @convention(c) (Int32) -> Int32
    let library = try DynamicLibrary("libc.so.6", package: "libc6")
    let absolute: Absolute = try library.function("abs")
    XCTAssertEqual(absolute(-3), 3)
  }

  func testAMissingFunctionIsNamed() throws {
    let library = try DynamicLibrary("libc.so.6", package: "libc6")
    XCTAssertThrowsError(
      try library.function("no_such_function", as: (@convention(c) () -> Void).self)
    ) { error in
      XCTAssertTrue("\(error)".hasPrefix("needs no_such_function in libc.so.6; "), "\(error)")
    }
  }

  func testAMissingLibraryNamesItsPackage() {
    XCTAssertThrowsError(try DynamicLibrary("libabsent.so.1", package: "libabsent1")) { error in
      let text = "\(error)"
      XCTAssertTrue(text.hasPrefix("needs the library libabsent.so.1, which could not"), text)
      XCTAssertTrue(text.hasSuffix("install it with: apt-get install libabsent1"), text)
    }
  }
}
