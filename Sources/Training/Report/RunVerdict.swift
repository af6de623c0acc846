import Foundation

/// Whether a run seems to have worked, by what it has written of itself: no labels are needed.
///
/// The rules were found on runs that went right and wrong on purpose; the article HowToKnow has
/// their figures.
package struct RunVerdict: Sendable {
  /// What a run looks like.
  package enum Finding: String, CaseIterable, Sendable {
    /// Something became NaN or infinite.
    case diverged
    /// The features of all images are nearly the same.
    case collapsed
    /// The features shrank to few directions in the course of the training.
    case rateTooHigh
    /// Two views of an image are alike without any training.
    case viewsTooWeak
    /// Two views of an image are hardly more alike than before the training.
    case viewsTooStrong
    /// There were too few steps to change the network.
    case tooShort
    /// The features tell less of the images than those of the untrained network.
    case worse
    /// It looks like trainings that went well.
    case learned
    /// There is too little to go by.
    case unknown
  }

  package let finding: Finding
  /// What to think of the run, and what to do.
  package let sentences: [String]

  /// The verdict on a run.
  ///
  /// - Parameters:
  ///   - log: What the run has written.
  ///   - hasDiverged: Whether a weight is NaN or very large.
  package init(_ log: RunLog, hasDiverged: Bool = false) {
    let course = Course(log)
    finding = hasDiverged || course.isBroken ? .diverged : course.finding
    sentences = Self.sentences(finding, course)
  }

  private static func sentences(_ finding: Finding, _ course: Course) -> [String] {
    switch finding {
    case .diverged:
      [
        "The training has diverged: numbers became infinite or are no numbers.",
        "Take a tenth of the learning rate, or --clip 1.",
      ]
    case .collapsed:
      [
        "The features have collapsed: the network makes nearly the same of all images"
          + course.rank.text(" (their rank fell from %.1f to %.1f)", course.rank.last) + ".",
        "Take a tenth of the learning rate, a larger batch, or a method with negatives: --method simclr.",
      ]
    case .rateTooHigh:
      [
        "The learning rate is too high: the features lost most of their directions in the course of "
          + "the training" + course.rank.text(" (their rank fell from %.1f to %.1f)", course.rank.lowest) + ".",
        "Take a tenth of the learning rate.",
      ]
    case .viewsTooWeak:
      [
        "The views are too weak: the untrained network already finds the other view of an image among "
          + "all others" + course.retrieval.text(" (for %.0f %% of them)", course.retrieval.start, times: 100)
          + ", so that there was little to learn.",
        "Views that show less of the image, --crop 0.2, or other colors, --color 1, ask more.",
      ]
    case .viewsTooStrong:
      [
        "The views are too strong: the network hardly finds the other view of an image more often than "
          + "before the training" + course.retrieval.text(" (%.1f %% then, %.1f %% now)", course.retrieval.last, times: 100) + ".",
        "Views that show more of the image, --crop 0.5, or weaker colors, --color 0.5, are easier; "
          + "pretrain views FILE.png draws them.",
      ]
    case .tooShort:
      [
        "The run was far too short: \(course.steps) steps change little. Train for a thousand steps "
          + "or more, and ten epochs or more of a small set."
      ]
    case .worse:
      [
        "The features tell less of the images than those of the untrained network do"
          + course.rotation.text(
            " (a linear layer tells how an image is turned: %.3f of them then, %.3f now)",
            course.rotation.last) + ".",
        "Train longer, or with views that keep what matters: pretrain views FILE.png draws them.",
      ]
    case .learned:
      [
        "By measures without labels the training looks as it should"
          + course.rotation.text(
            " (a linear layer tells how an image is turned: %.3f of them then, %.3f now)",
            course.rotation.last) + "."
      ] + course.outlook
    case .unknown:
      ["There are too few numbers to say whether the training works."]
    }
  }
}

/// How the measures of a run went.
private struct Course {
  let steps: Int
  let retrieval: Measure
  let rotation: Measure
  let rank: Measure
  /// Whether a loss was not finite.
  let isBroken: Bool

  init(_ log: RunLog) {
    steps = log.stepCount
    retrieval = Measure(log.points("view_retrieval"))
    rotation = Measure(log.points("rotation_accuracy"))
    rank = Measure(log.points("feature_rank"))
    isBroken =
      log.points("loss").contains { !$0.value.isFinite }
      || log.points("rotation_accuracy").contains { !$0.value.isFinite }
  }

  var finding: RunVerdict.Finding {
    if let share = rank.share(of: rank.last), share < 0.35 { return .collapsed }
    if let share = rank.share(of: rank.lowest), share < 0.6 { return .rateTooHigh }
    if let start = retrieval.start, start > 0.5 { return .viewsTooWeak }
    if steps < 200 { return .tooShort }
    guard let rise = rotation.rise else { return .unknown }
    if let share = retrieval.share(of: retrieval.last), share < 1.5, rise < 0.02 {
      return .viewsTooStrong
    }
    return rise < 0 ? .worse : .learned
  }

  /// Whether the run's last part still moved the features.
  var outlook: [String] {
    guard let last = rotation.lastRise else { return [] }
    return last > 0.01
      ? ["They were still getting better at the end: train longer, and they are likely to go on."]
      : ["They have hardly changed in the last part: a longer training of this kind gains little."]
  }
}

/// The numbers of one measure from the untrained network on.
private struct Measure {
  /// Of the untrained network; nil if it is not known.
  let start: Double?
  /// Of the evaluations of the training.
  private let values: [Double]

  init(_ points: [RunLog.Point]) {
    let finite = points.filter(\.value.isFinite)
    start = finite.first { $0.step == 0 }?.value
    values = finite.filter { $0.step > 0 }.map(\.value)
  }

  var last: Double? { values.last }
  var lowest: Double? { values.min() }

  /// How much larger the last number is than the first.
  var rise: Double? { zip(start, last).map { $1 - $0 } }

  /// How much larger the last number is than the one before it.
  var lastRise: Double? {
    values.count > 1 ? values[values.count - 1] - values[values.count - 2] : nil
  }

  /// A number as a share of the untrained network's.
  func share(of value: Double?) -> Double? {
    zip(start, value).flatMap { $0 > 0 ? $1 / $0 : nil }
  }

  /// A phrase with the first number and another one; nothing if one is missing.
  func text(_ format: String, _ value: Double?, times scale: Double = 1) -> String {
    zip(start, value).map { String(format: format, scale * $0, scale * $1) } ?? ""
  }
}

private func zip(_ first: Double?, _ second: Double?) -> (Double, Double)? {
  first.flatMap { first in second.map { (first, $0) } }
}
