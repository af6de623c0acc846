import Foundation

extension RunReport {
  /// The features that labels compare, by the end of their names in the log.
  private static let compared = [
    (field: "trained", knn: "knn", name: "trained network"),
    (field: "random_encoder", knn: "knn_random_encoder", name: "untrained network"),
    (field: "given_weights", knn: "knn_given_weights", name: "given weights"),
    (field: "raw_pixels", knn: "knn_raw_pixels", name: "raw pixels"),
  ]

  /// What labels say at the end; nothing if there are none.
  var labels: HTML {
    let votes = Self.compared.compactMap { entry -> HTML? in
      log.summary[entry.knn].flatMap { value in
        value.isFinite
          ? "<tr><td>\(entry.name)</td><td class=\"number\">\(Figures.percent(value))</td></tr>\n"
          : nil
      }
    }
    let table: HTML = """
      <figure class="card"><figcaption><b>The vote of neighbors</b></figcaption>
      <table class="rows"><tr><th>features</th><th class="number">right</th></tr>\(votes)</table>
      <p>The share of held-out pictures whose class their 20 nearest neighbors name rightly. <span class="expectation">The
      trained network should be well above both others: they cost no training.</span></p></figure>
      """
    let cards = (votes.isEmpty ? [] : [table]) + fewLabels
    return Self.section(
      "What do labels say?", id: "labels",
      cards.isEmpty ? [] : ["<div class=\"cards\">\(cards)</div>"])
  }

  /// Accuracy by the number of labels of each class.
  private var fewLabels: [HTML] {
    let curves = Self.compared.map { entry in
      let pairs = log.summary.compactMap { name, value -> (Double, Double)? in
        let words = name.split(separator: "_", maxSplits: 3)
        guard words.count == 4, words[0] == "accuracy", words[2] == "labels",
          words[3] == entry.field, let count = Double(words[1]), count >= 1
        else { return nil }
        return (count, value)
      }
      .sorted { $0.0 < $1.0 }
      return Curve(entry.name, at: pairs.map(\.0), pairs.map(\.1))
    }
    .filter { !$0.places.isEmpty }
    guard let first = curves.first?.places.first else { return [] }
    let plot = CurvePlot(
      title: "Accuracy by few labels", curves: curves, shown: [0], unit: "labels of a class",
      hasRatios: true, marksPlaces: true)
    let unit =
      "\(Figures.grouped(first.step)) to \(Figures.grouped(curves[0].places.last?.step ?? 1)) labels of a class"
    let names = curves.enumerated().map { index, curve -> HTML in
      """
      <li><svg class="plot" viewBox="0 0 22 10" aria-hidden="true"><polyline class="c\(index)" points="0,5 22,5"/></svg>\(curve.name)</li>
      """
    }
    return [
      """
      <figure class="card"><figcaption><b>Accuracy by few labels</b> <span class="value" data-last="\(unit)">\(unit)</span></figcaption>
      \(plot.html)
      <ul class="legend">\(names)</ul>
      <p>The share of held-out pictures that a classifier gets right which has seen so many labels of each class.
      <span class="expectation">The line of the trained network should lie above the others, most of all on the left.</span></p></figure>
      """
    ]
  }
}
