import Foundation
import XCTest

@testable import Nets

final class ScheduleTests: XCTestCase {
  func testLinearRise() {
    let rise = LinearRise(from: 0.04, to: 0.07, over: 3)
    for (step, expected) in [(0, 0.04), (1, 0.05), (2, 0.06), (3, 0.07), (9, 0.07)] {
      XCTAssertEqual(rise.value(at: step), Float(expected), accuracy: 1e-7)
    }
  }

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

  /// How others count the steps of a rise, and which of ours that is.
  func testOtherRulesOfWarmUp() {
    let (warmUp, steps, peak) = (5, 20, Float(2))
    func cosine(_ progress: Double) -> Float { peak * Float(1 + cos(.pi * progress)) / 2 }
    let ours = CosineDecay(from: peak, over: steps - warmUp).warmed(over: warmUp - 1)
    for step in 0..<steps {
      let progress = Double(step - warmUp) / Double(steps - warmUp)
      // DeepMind: step / warmUp.
      let deepMind = step < warmUp ? peak * Float(step) / Float(warmUp) : cosine(progress)
      XCTAssertEqual(deepMind, step == 0 ? 0 : ours.value(at: step - 1), accuracy: 1e-6)
      // lightly: (step + 1) / warmUp.
      let lightly = step < warmUp ? peak * Float(step + 1) / Float(warmUp) : cosine(progress)
      XCTAssertEqual(lightly, ours.value(at: step < warmUp ? step : step - 1), accuracy: 1e-6)
    }
  }

  func testWarmUpCosineEndsWithItsSteps() {
    let schedule: Warmed<CosineDecay> = .warmUpCosine(to: 3, end: 1, warmUp: 4, steps: 14)
    for (step, value) in [(0, 0.6), (3, 2.4), (4, 3), (9, 2), (14, 1), (99, 1)] {
      XCTAssertEqual(schedule.value(at: step), Float(value), accuracy: 1e-6)
    }
    for warmUp in [0, 1] {
      let short: Warmed<CosineDecay> = .warmUpCosine(to: 1, warmUp: warmUp, steps: 2)
      XCTAssertEqual(short.value(at: 0), warmUp == 0 ? 1 : 0.5)
      XCTAssertEqual(short.value(at: 2), 0)
    }
  }
}
