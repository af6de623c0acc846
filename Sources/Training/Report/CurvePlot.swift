import Foundation

/// Curves in one frame, as a picture that grows and shrinks with the page and shows the numbers
/// under the pointer.
struct CurvePlot {
  let title: String
  let curves: [Curve]
  /// Numbers that the vertical axis shows in any case.
  var shown: [Double] = []
  var reference: (value: Double, name: String)?
  /// What the horizontal axis counts.
  var unit = "step"
  /// Whether ratios count along the horizontal axis.
  var hasRatios = false
  /// Whether each place has a mark of its own.
  var marksPlaces = false

  private static let (width, height) = (360.0, 190.0)
  private static let frame = (left: 46.0, right: 350.0, top: 10.0, bottom: 164.0)

  private var horizontal: Axis {
    let steps = curves.flatMap { $0.places.map(\.step) }
    return hasRatios
      ? Axis(ratiosOf: Array(Set(steps)).sorted())
      : Axis(steps: steps, count: (steps.max() ?? 0) < 10_000 ? 6 : 4)
  }

  private var vertical: Axis {
    Axis(
      curves.flatMap { $0.places.flatMap { [$0.range.lowerBound, $0.range.upperBound] } } + shown
        + (reference.map { [$0.value] } ?? []), count: 4)
  }

  var html: HTML {
    let (horizontal, vertical) = (horizontal, vertical)
    func x(_ step: Double) -> Double {
      Self.frame.left + (Self.frame.right - Self.frame.left)
        * horizontal.share(hasRatios ? Axis.logarithm(step) : step)
    }
    func y(_ value: Double) -> Double {
      Self.frame.bottom - (Self.frame.bottom - Self.frame.top) * vertical.share(value)
    }
    let lines = curves.enumerated().map { index, curve in line(index, curve, x, y) }
    return """
      <svg class="plot" viewBox="0 0 360 190" role="img" aria-label="\(description)" data-unit="\(unit)">
      \(vertical.ticks.map { Self.horizontalLine(at: y($0), $0, vertical) })
      \(horizontal.ticks.map { Self.stepLabel(at: x($0), $0) })
      \(reference.map { Self.referenceLine(at: y($0.value), $0.name) } ?? "")
      \(lines)
      <g class="cursor" hidden><line y1="10" y2="164"/></g>
      </svg>

      """
  }

  private var description: String {
    let ends = curves.compactMap { curve in
      curve.places.last.map { last in
        "\(curve.name): \(Figures.short(curve.places[0].mean)) at first, "
          + "\(Figures.short(last.mean)) at last"
      }
    }
    return title + ". " + ends.joined(separator: "; ")
  }

  private func line(
    _ index: Int, _ curve: Curve, _ x: (Double) -> Double, _ y: (Double) -> Double
  ) -> HTML {
    let points = curve.places.map { Self.point(x($0.step), y($0.mean)) }
    let band =
      curve.places.map { Self.point(x($0.step), y($0.range.upperBound)) }
      + curve.places.reversed().map { Self.point(x($0.step), y($0.range.lowerBound)) }
    let marks = curve.places.map { place -> HTML in
      """
      <circle class="c\(index)" cx="\(Self.number(x(place.step)))" cy="\(Self.number(y(place.mean)))" r="3"/>
      """
    }
    let range: HTML = """
      <polygon class="band c\(index)" points="\(band.joined(separator: " "))"/>
      """
    return """
      \(curve.hasRange ? [range] : [])
      <polyline class="c\(index)" data-name="\(curve.name)" data-steps="\(curve.places.map { Figures.grouped($0.step) }.joined(separator: ";"))" \
      data-values="\(curve.places.map { Figures.short($0.mean) }.joined(separator: ";"))" points="\(points.joined(separator: " "))"/>
      \(marksPlaces || curve.places.count == 1 ? marks : [])
      """
  }

  private static func horizontalLine(at y: Double, _ value: Double, _ axis: Axis) -> HTML {
    """
    <line class="grid" x1="46" x2="350" y1="\(number(y))" y2="\(number(y))"/>\
    <text x="41" y="\(number(y + 4))" text-anchor="end">\(label(value, axis))</text>

    """
  }

  /// As many decimals as tell the ticks apart.
  private static func label(_ value: Double, _ axis: Axis) -> String {
    let step = axis.ticks.count > 1 ? axis.ticks[1] - axis.ticks[0] : 1
    if abs(value) < step / 1e3 { return "0" }
    if step >= 1 {
      return abs(value) >= 1e6 ? String(format: "%.3g", value) : Figures.grouped(value)
    }
    guard step >= 1e-4 else { return String(format: "%.2g", value) }
    return String(format: "%.\(Int((-log10(step) - 1e-9).rounded(.up)))f", value)
  }

  private static func stepLabel(at x: Double, _ step: Double) -> HTML {
    let anchor = x > frame.right - 14 ? "end" : "middle"
    let place = anchor == "end" ? frame.right : x
    return """
      <line class="tick" x1="\(number(x))" x2="\(number(x))" y1="164" y2="168"/>\
      <text x="\(number(place))" y="181" text-anchor="\(anchor)">\(Figures.grouped(step))</text>

      """
  }

  private static func referenceLine(at y: Double, _ name: String) -> HTML {
    """
    <line class="reference" x1="46" x2="350" y1="\(number(y))" y2="\(number(y))"/>\
    <text class="reference" x="348" y="\(number(y - 4))" text-anchor="end">\(name)</text>

    """
  }

  private static func point(_ x: Double, _ y: Double) -> String { "\(number(x)),\(number(y))" }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
