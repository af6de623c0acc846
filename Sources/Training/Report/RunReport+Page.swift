import Foundation

extension RunReport {
  /// The whole page.
  package var html: HTML {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="data:,">
    <title>\(title)</title>
    <style>\(ReportStyle.sheet)\(pictures.map { [$0.sheet.style] } ?? [])</style>
    </head>
    <body>
    <header>
    <h1>\(title)</h1>
    <p class="state">\(state)</p>
    </header>
    <main>
    \(outcome)
    \(curves(.learning, "Did it learn?"))
    \(curves(.features, "Did the features become better?", Self.aboutFeatures))
    \(curves(.collapse, "Did it collapse?", Self.aboutCollapse))
    \(viewsSection)
    \(labels)
    \(picturesSections)
    \(curves(.pace, "How fast was it?"))
    \(table("What was asked for", configuration))
    \(table("Machine and versions", machine))
    </main>
    <footer>
    <p>\(cost)\(damage)</p>
    </footer>
    <script>\(ReportScript.text)</script>
    </body>
    </html>

    """
  }

  private static let aboutFeatures =
    "Numbers of the network's features, taken now and then during the run. "
    + "They say more of what the network is worth than the loss does."

  private static let aboutCollapse =
    "A network that gives nearly the same answer for every picture has a low loss and is worth "
    + "nothing. These curves would show it."

  private var damage: String {
    log.damagedLines == 0
      ? "" : " \(Figures.count(log.damagedLines, "line")) of metrics.jsonl could not be read."
  }

  private var outcome: HTML {
    """
    <section class="outcome" id="outcome">
    <h2>What happened</h2>
    <p>\(facts.joined(separator: " "))</p>
    \(verdict.map { "<p class=\"verdict\">\($0)</p>\n" })
    </section>
    """
  }

  /// A section; nothing if nothing is in it.
  static func section(_ title: String, _ about: String? = nil, id: String, _ body: [HTML]) -> HTML {
    let about: [HTML] = about.map { ["<p class=\"about\">\($0)</p>"] } ?? []
    return body.isEmpty
      ? ""
      : """
      <section id="\(id)">
      <h2>\(title)</h2>
      \(about)
      \(body)
      </section>

      """
  }

  private func table(_ title: String, _ rows: [Row]) -> HTML {
    let lines = rows.map { row -> HTML in
      "<tr><th scope=\"row\">\(row.name)</th><td>\(row.value)</td></tr>\n"
    }
    return Self.section(
      title, id: title.lowercased().replacing(" ", with: "-"),
      lines.isEmpty ? [] : ["<table class=\"rows\">\n\(lines)</table>"])
  }
}

// MARK: - Curves

extension RunReport {
  /// The curves about one topic.
  private func curves(_ topic: CurveKind.Topic, _ title: String, _ about: String? = nil) -> HTML {
    let all =
      log.steps.map { ($0, CurveKind.named($0.name, isEvaluation: false)) }
      + log.evaluations.map { ($0, CurveKind.named($0.name, isEvaluation: true)) }
    let chosen = all.filter { series, kind in
      kind.topic == topic && !CurveKind.withoutCurve.contains(series.name)
        && series.points.contains { $0.value.isFinite }
    }
    let order = Dictionary(
      uniqueKeysWithValues: CurveKind.order.enumerated().map { ($1, $0) })
    let cards = chosen.sorted { one, other in
      let places = [one, other].map { order[$0.0.name] ?? .max }
      return (places[0], one.0.name) < (places[1], other.0.name)
    }
    .map { Self.card($0, $1) }
    return Self.section(
      title, about, id: "\(topic)", cards.isEmpty ? [] : ["<div class=\"cards\">\(cards)</div>"])
  }

  private static func card(_ series: RunLog.Series, _ kind: CurveKind) -> HTML {
    let curve = Curve(kind.title, series.points)
    let last = series.points.last { $0.value.isFinite }.map { Figures.short($0.value) } ?? ""
    let plot = CurvePlot(
      title: kind.title, curves: [curve], shown: kind.shown, reference: kind.reference)
    return """
      <figure class="card">
      <figcaption><b>\(kind.title)</b> <span class="value" data-last="\(last)">\(last)</span></figcaption>
      \(plot.html)
      <p>\(kind.meaning) <span class="expectation">\(kind.expectation)</span></p>
      </figure>

      """
  }
}
