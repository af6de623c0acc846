import XCTest

@testable import Nets

final class ScheduleTests: XCTestCase {
  func testConstant() {
    XCTAssertEqual(Constant(0.25).value(at: 1_000_000), 0.25)
  }

  func testCosineDecay() {
    let schedule = CosineDecay(from: 2, to: 1, over: 100)
    for (step, value) in [(0, 2), (50, 1.5), (100, 1), (1_000, 1), (-1, 2), (25, 1.8535534)] {
      XCTAssertEqual(schedule.value(at: step), Float(value), accuracy: 1e-6)
    }
  }

  func testWarmUpRisesToTheBaseAndNeverIsZero() {
    let schedule = CosineDecay(from: 1, over: 10).warmed(over: 4)
    for (step, value) in [(0, 0.2), (1, 0.4), (3, 0.8), (4, 1), (9, 0.5), (14, 0)] {
      XCTAssertEqual(schedule.value(at: step), Float(value), accuracy: 1e-6)
    }
    XCTAssertEqual(Constant(3).warmed(over: 0).value(at: 0), 3)
    XCTAssertEqual(Constant(3).warmed(over: 1).value(at: 0), 1.5)
  }
}
