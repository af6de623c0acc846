import XCTest

@testable import Tensor

final class ThreadsTests: XCTestCase {
  /// The forms of OpenMP's variable, and what is no number of threads.
  func testTheEnvironmentsNumber() {
    let expected: [(text: String, count: Int?)] = [
      ("4", 4), ("4,2", 4), ("1,1", 1), (" 1", 1), ("1 ", 1), ("\t8 , 2", 8), ("99999", 1_024),
      ("99999999999999999999999", 1_024), ("0", nil), ("-2", nil), ("", nil), (",4", nil),
      ("all", nil), ("2x", nil), ("1.5", nil), ("+3", nil),
    ]
    for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"] {
      for (text, count) in expected {
        XCTAssertEqual(Threads.count(in: [name: text]), count, "\(name)=\(text)")
      }
    }
    XCTAssertNil(Threads.count(in: [:]))
  }

  /// As in the environment, more than the pool can have are as many as it can.
  func testMoreThanTheMost() {
    Threads.with(5_000) {
      XCTAssertEqual(Threads.count, 1_024)
    }
  }

  func testOpenBLASsVariableGoesFirst() {
    func count(_ first: String, _ second: String) -> Int? {
      Threads.count(in: ["OPENBLAS_NUM_THREADS": first, "OMP_NUM_THREADS": second])
    }
    XCTAssertEqual(count("3", "2"), 3)
    XCTAssertEqual(count("0", "2"), 2)
    XCTAssertEqual(count("none", "2"), 2)
  }
}
