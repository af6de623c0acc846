import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// Files as `Fixtures/torch_dictionaries.py` had torch write them.
final class TorchDictionariesTests: XCTestCase {
  private struct Fixture: Decodable {
    let dictionaries: [String: Data]
    let roots: [String: Data]
    let modules: [Data]
    let names: [String]
    let types: Data
  }

  private func fixtures() throws -> Fixture {
    try JSONDecoder().decode(
      Fixture.self,
      from: Data(contentsOf: URL(fileURLWithPath: fixture("torch_dictionaries.json"))))
  }

  private func assertTensors(_ state: StateDict, _ name: String) {
    XCTAssertEqual(Set(state.names), ["a.weight", "a.bias"], name)
    XCTAssertEqual(state["a.weight"]?.shape, [2, 3], name)
    XCTAssertEqual(state["a.weight"]?.scalars, [0, 1, 2, 3, 4, 5], name)
    XCTAssertEqual(state["a.bias"]?.scalars, [1, 1], name)
  }

  func testDictionariesOfEveryClass() throws {
    let fixtures = try fixtures()
    XCTAssertEqual(fixtures.dictionaries.count, 10)
    for (name, file) in fixtures.dictionaries {
      let state = try TorchFile(file, path: name).state
      assertTensors(state.scoped(to: "state_dict"), name)
      XCTAssertEqual(state.metadata["epoch"], "3", name)
    }
    for name in ["defaultdict", "UserDict"] {
      assertTensors(try TorchFile(XCTUnwrap(fixtures.roots[name]), path: name).state, name)
    }
  }

  /// A module gives what its state_dict() has: no buffers that are not saved, nothing for nil.
  func testModulesInDictionaries() throws {
    let fixtures = try fixtures()
    XCTAssertEqual(Set(fixtures.names), ["a.weight", "a.bias", "kept"])
    let states =
      try fixtures.modules.map { try TorchFile($0, path: "").state.scoped(to: "state_dict") }
      + [TorchFile(XCTUnwrap(fixtures.roots["module"]), path: "").state]
    for state in states {
      XCTAssertEqual(state.names, fixtures.names)
      XCTAssertEqual(state["kept"]?.scalars, [7])
      assertTensors(state.removing("kept"), "module")
    }
  }

  func testOtherTypesDoNotBlockTheRest() throws {
    let state = try TorchFile(fixtures().types, path: "").state
    XCTAssertEqual(state.names, ["fine", "last"])
    XCTAssertEqual(state["last"]?.scalars, [3, 3])
    let reasons = Dictionary(
      uniqueKeysWithValues: state.unreadable.map { ($0.name, String($0.reason.prefix(26))) })
    XCTAssertEqual(
      reasons,
      [
        "eight": "is of type float8_e4m3fn; ", "unsigned": "is of type uint16; F64, F3",
        "complex": "is of type ComplexFloatSto", "large": "holds 1099511627777, which",
      ])
  }
}
