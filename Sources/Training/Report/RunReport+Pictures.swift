import Foundation
import Images
import Tensor

extension RunReport {
  /// Views of a few pictures, in a grid: each picture and its views in a column.
  package struct Views: Sendable {
    let address: String
    let size: Size2D

    /// - Throws: `FileError` if the libraries that write pictures are missing.
    package init(_ grid: ImageGrid) throws {
      address = try grid.image.dataAddress(quality: 85)
      size = grid.image.size
    }
  }

  /// What the training compares.
  var viewsSection: HTML {
    let body = views.map { views -> HTML in
      """
      <img class="views whole" src="\(views.address)" width="\(views.size.width)" height="\(views.size.height)" \
      alt="Pictures in the first row, and two views of each below it">
      """
    }
    return Self.section(
      "What does it compare?",
      "Pictures, and below each two views of it as the training draws them. The network learns that both "
        + "views are the same thing, so a person should still see what they are; views that look alike "
        + "teach nothing, and views that show nothing of the picture teach noise.",
      id: "views", body.map { [$0] } ?? [])
  }

  var picturesSections: HTML {
    pictures.map {
      "\($0.mapSection)\($0.neighborsSection)\($0.duplicatesSection)\($0.outliersSection)"
    }
      ?? ""
  }
}

// MARK: - Sections

extension PictureStudy {
  /// Classes that have a color of their own.
  private static let colorCount = 12

  private func picture(_ index: Int) -> HTML { sheet.picture(index, name: names[index]) }

  fileprivate var mapSection: HTML {
    let cards = maps.map { map -> HTML in
      """
      <figure class="card map"><figcaption><b>\(map.title)</b></figcaption>
      \(plot(map))
      <div class="tip" hidden></div>
      <p>\(map.words)</p></figure>

      """
    }
    let hint =
      labels.isEmpty
      ? "Pictures that look alike to you should lie together."
      : "Colors are classes, which the training has not seen. The more they lie apart, the better."
    return RunReport.section(
      "What lies beside what?",
      "Each dot is a picture; the pointer or a finger shows it. \(hint)", id: "map",
      cards.isEmpty ? [] : ["<div class=\"cards wide\">\(cards)</div>\(legend)\(data)"])
  }

  private func plot(_ map: Map) -> HTML {
    let (places, count) = (map.places.scalars.map(Double.init), map.places.shape[0])
    let bounds = [0, 1].map { axis -> (middle: Double, span: Double) in
      let values = (0..<count).map { places[2 * $0 + axis] }
      let (low, high) = (values.min() ?? 0, values.max() ?? 1)
      return ((low + high) / 2, max(high - low, 1e-12))
    }
    let scale = 340 / max(bounds[0].span, bounds[1].span)
    let dots = (0..<count).map { index -> HTML in
      let position = [0, 1].map { axis in
        180 + (places[2 * index + axis] - bounds[axis].middle) * scale
      }
      let color = labels.isEmpty ? 0 : labels[index] % Self.colorCount
      return
        "<circle class=\"d\(color)\" cx=\"\(String(format: "%.1f", position[0]))\" cy=\"\(String(format: "%.1f", 360 - position[1]))\" r=\"2.6\"/>"
    }
    return """
      <svg class="dots" viewBox="0 0 360 360" role="img" aria-label="\(map.title) of \(count) pictures">\(dots)<circle class="mark" r="6" hidden/></svg>
      """
  }

  private var legend: HTML {
    guard !labels.isEmpty else { return "" }
    let entries = classNames.enumerated().prefix(Self.colorCount).map { index, name -> HTML in
      """
      <li><svg class="dots key" viewBox="0 0 10 10" aria-hidden="true"><circle class="d\(index)" cx="5" cy="5" r="5"/></svg>\(name)</li>
      """
    }
    let rest: HTML =
      classNames.count > Self.colorCount
      ? "<li>and \(classNames.count - Self.colorCount) more, in the same colors again</li>" : ""
    return "<ul class=\"legend\">\(entries)\(rest)</ul>"
  }

  /// What the script shows of each picture.
  private var data: HTML {
    struct Data: Encodable {
      let names: [String]
      let columns: Int
      let count: Int
    }
    let json = try? JSONEncoder().encode(
      Data(names: names, columns: sheet.columns, count: sheet.count))
    // A name must not end the script.
    let text = json.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    let safe = text.replacing("<", with: "\\u003c").replacing("&", with: "\\u0026")
    return "<script type=\"application/json\" id=\"names\">\(HTML(verbatim: safe))</script>"
  }

  fileprivate var neighborsSection: HTML {
    let cards = samples.map { sample -> HTML in
      """
      <div class="sample card">\(picture(sample.picture))<div>\
      \(row("before", sample.before, like: sample.picture))\(row("after", sample.after, like: sample.picture))</div></div>

      """
    }
    let kept =
      keptNeighbors.map { share in
        " Of the \(Self.neighborCount) nearest neighbors of all pictures, \(Figures.percent(Double(share))) were so before the "
          + "training: near 100 %, the training has changed little."
      } ?? ""
    let classes = labels.isEmpty ? "" : " Underlined ones are of its class."
    return RunReport.section(
      "Which pictures does it take for similar?",
      "Pictures, and those whose features are most similar, by the network before its training and after it. "
        + "After the training they should be more of the same thing, rather than of the same color.\(classes)\(kept)",
      id: "neighbors", samples.isEmpty ? [] : ["<div class=\"cards samples\">\(cards)</div>"])
  }

  private func row(_ name: String, _ pictures: [Int], like sample: Int) -> HTML {
    guard !pictures.isEmpty else { return "" }
    let found = pictures.prefix(6).map { index -> HTML in
      let isSame = !labels.isEmpty && labels[index] == labels[sample]
      return "<span class=\"\(isSame ? "same" : "other")\">\(picture(index))</span>"
    }
    return "<div class=\"row\"><small>\(name)</small>\(found)</div>"
  }

  fileprivate var duplicatesSection: HTML {
    let pairs = duplicates.map { pair -> HTML in
      """
      <figure class="pair">\(picture(pair.picture))\(pair.other.map { picture($0) } ?? "")\
      <figcaption>\(String(format: "%.5f", pair.cosine))</figcaption></figure>

      """
    }
    let body: HTML =
      pairs.isEmpty
      ? "<p>There are none among these pictures.</p>" : "<div class=\"pictures\">\(pairs)</div>"
    return RunReport.section(
      "Nearly the same pictures",
      "Pairs that are \(Int(Self.timesNearer)) times nearer to each other than a picture usually is to its "
        + "nearest neighbor, and the cosines of their features. Copies waste time, and make an evaluation look "
        + "better than it is when one is trained on and the other evaluates.",
      id: "duplicates", [body])
  }

  fileprivate var outliersSection: HTML {
    let shown = outliers.map { entry -> HTML in
      """
      <figure class="pair">\(picture(entry.picture))<figcaption>\(String(format: "%.3f", entry.cosine))</figcaption></figure>

      """
    }
    return RunReport.section(
      "Pictures that stand apart",
      "Those least similar to their \(Self.neighborCount) nearest, and the mean cosine. Damaged pictures, "
        + "rare things and pictures that do not belong here are often among them.",
      id: "outliers", shown.isEmpty ? [] : ["<div class=\"pictures\">\(shown)</div>"])
  }
}
