import Foundation

/// Numbers along steps, few enough to be drawn: neighbors share a place where there are many.
struct Curve: Sendable {
  /// What stands at one place: the mean of some numbers, the lowest and the highest.
  struct Place: Sendable, Equatable {
    let step: Double
    let mean: Double
    let range: ClosedRange<Double>
  }

  let name: String
  let places: [Place]

  /// A curve with few places of equally many points each; points that are not finite are left out.
  init(_ name: String, _ points: [RunLog.Point], mostPlaces: Int = 240) {
    let points = points.filter(\.value.isFinite)
    let count = min(points.count, mostPlaces)
    self.name = name
    places = (0..<count).map { place in
      let part = points[points.count * place / count..<points.count * (place + 1) / count]
      let values = part.map(\.value)
      return Place(
        step: Double(part[part.endIndex - 1].step),
        mean: values.reduce(0, +) / Double(values.count),
        range: (values.min() ?? 0)...(values.max() ?? 0))
    }
  }

  /// A curve of given numbers.
  init(_ name: String, at steps: [Double], _ values: [Double]) {
    self.name = name
    places = zip(steps, values).filter { $0.1.isFinite }
      .map { Place(step: $0, mean: $1, range: $1...$1) }
  }

  /// Whether a place stands for numbers that differ.
  var hasRange: Bool { places.contains { $0.range.lowerBound < $0.range.upperBound } }
}

/// From numbers to places along an axis.
struct Axis: Sendable {
  let range: ClosedRange<Double>
  /// Numbers that are written beside the axis.
  let ticks: [Double]

  /// An axis that shows all of `values`, with about `count` ticks at round numbers.
  init(_ values: [Double], count: Int) {
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    // Numbers that differ by their rounding alone are one number.
    let least = max(abs(low), abs(high)) * 1e-6
    let span = high - low > least ? high - low : high == 0 ? 1 : abs(high) * 0.2
    let middle = high - low > least ? low : low - span / 2
    let step = Self.step(span / Double(count))
    let first = (middle / step).rounded(.down)
    let last = ((middle + span) / step - 1e-9).rounded(.up)
    ticks = stride(from: first, through: last, by: 1).map { $0 * step }
    range = first * step...max(last, first + 1) * step
  }

  /// An axis along steps that ends with the last one.
  init(steps: [Double], count: Int) {
    let (low, high) = (steps.min() ?? 0, max(steps.max() ?? 1, (steps.min() ?? 0) + 1))
    let step = max(1, Self.step((high - low) / Double(count)))
    range = low...high
    ticks = stride(from: (low / step).rounded(.up), through: (high / step).rounded(.down), by: 1)
      .map { $0 * step }
  }

  /// An axis for numbers above zero whose ratios count, with a tick at each.
  init(ratiosOf values: [Double]) {
    let logarithms = values.map(Self.logarithm)
    let (low, high) = (logarithms.min() ?? 0, logarithms.max() ?? 1)
    range = low - 0.05...max(high, low + 0.1) + 0.05
    ticks = values
  }

  static func logarithm(_ value: Double) -> Double { log10(value) }

  /// 1, 2 or 5 times a power of ten, at least `least`.
  private static func step(_ least: Double) -> Double {
    let power = pow(10, log10(max(least, 1e-300)).rounded(.down))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least * (1 - 1e-9) } ?? 10 * power
  }

  /// Where a number lies: 0 at the axis's begin, 1 at its end.
  func share(_ value: Double) -> Double {
    (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }
}
