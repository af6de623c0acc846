import XCTest

@testable import Training

final class CurveTests: XCTestCase {
  private func points(_ values: [Double]) -> [RunLog.Point] {
    values.enumerated().map { RunLog.Point(step: 10 * $0 + 1, value: $1) }
  }

  /// Many numbers share few places, each with the mean, the lowest and the highest.
  func testPlaces() {
    let curve = Curve("x", points([1, 3, .nan, 5, 7, 2, 2]), mostPlaces: 3)
    XCTAssertEqual(
      curve.places,
      [
        Curve.Place(step: 11, mean: 2, range: 1...3),
        Curve.Place(step: 41, mean: 6, range: 5...7),
        Curve.Place(step: 61, mean: 2, range: 2...2),
      ])
    XCTAssertTrue(curve.hasRange)
    XCTAssertEqual(Curve("x", points([1, 2])).places.map(\.mean), [1, 2])
    XCTAssertFalse(Curve("x", points([1, 2])).hasRange)
    XCTAssertTrue(Curve("x", points([.nan, .infinity])).places.isEmpty)
  }

  /// Ticks are at round numbers, and the axis shows all values.
  func testAxes() {
    for (values, ticks) in [
      ([0.13, 0.47], [0.1, 0.2, 0.3, 0.4, 0.5]), ([2, 4], [2, 2.5, 3, 3.5, 4]),
      ([-3, 12], [-5, 0, 5, 10, 15]), ([0], [-0.5, 0, 0.5]), ([7, 7], [6, 6.5, 7, 7.5, 8]),
    ] as [([Double], [Double])] {
      let axis = Axis(values, count: 4)
      XCTAssertTrue(values.allSatisfy { (-1e-9...1 + 1e-9).contains(axis.share($0)) }, "\(values)")
      guard values.count > 1, values[0] != values[1] else { continue }
      XCTAssertEqual(axis.ticks.count, ticks.count, "\(axis.ticks)")
      for (one, other) in zip(axis.ticks, ticks) { XCTAssertEqual(one, other, accuracy: 1e-9) }
    }
    for scale in [1e-30, 1e-6, 1, 1e9, 1e30] {
      let axis = Axis([scale, 3.3 * scale], count: 4)
      XCTAssertTrue((3...8).contains(axis.ticks.count), "\(axis.ticks)")
      XCTAssertTrue(axis.share(2 * scale) > 0 && axis.share(2 * scale) < 1)
    }
    XCTAssertEqual(Axis(steps: [1, 100], count: 4).ticks, [50, 100])
    XCTAssertEqual(Axis(steps: [1], count: 4).ticks, [1, 2])
  }

  func testFigures() {
    for (value, text) in [
      (0, "0"), (1.2345, "1.23"), (0.01234, "0.012"), (12.34, "12.3"), (123.4, "123"),
      (12_345.6, "12,346"), (-1_234_567, "-1,234,567"), (3e-5, "3e-05"), (.nan, "not a number"),
      (100, "100"), (1.5e12, "1.50e+12"), (-.infinity, "not a number"),
    ] as [(Double, String)] { XCTAssertEqual(Figures.short(value), text) }
    for (seconds, text) in [
      (0.26, "0.3 s"), (59.6, "1 min 0 s"), (75, "1 min 15 s"), (7_200, "2 h 0 min"),
    ] { XCTAssertEqual(Figures.time(seconds), text) }
    XCTAssertEqual(Figures.percent(0.0123), "1.2 %")
    XCTAssertEqual(Figures.percent(0.123), "12 %")
    XCTAssertEqual(Figures.count(1, "line"), "1 line")
    XCTAssertEqual(Figures.count(1_200, "line"), "1,200 lines")
  }
}
