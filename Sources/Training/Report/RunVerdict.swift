import Foundation
import Images

/// Whether a run seems to have worked, by what it has written of itself: no labels are needed.
///
/// The rules were found on runs that went right and wrong on purpose; the article DidItWork has
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
  ///   - stepCount: How many steps it took, of which a log may lack the last; nil if that is unknown.
  ///   - hasDiverged: Whether a weight is NaN or very large.
  ///   - beganWithWeights: Whether the network had been trained before, so that it knows views.
  package init(
    _ log: RunLog, stepCount: Int? = nil, hasDiverged: Bool = false, beganWithWeights: Bool = false
  ) {
    let course = Course(log, stepCount ?? log.stepCount, beganWithWeights: beganWithWeights)
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
        "The training has collapsed: the network makes nearly the same of all images" + course.left
          + ".",
        "Take a tenth of the learning rate, a larger batch, or a method with negatives: --method "
          + "simclr.",
      ]
    case .rateTooHigh:
      [
        "The learning rate is too high: the features lost directions in the course of the training"
          + course.rank.text(" (their rank fell from %.1f to %.1f)", course.rank.lowest) + ".",
        "Take a tenth of the learning rate.",
      ]
    case .viewsTooWeak:
      [
        "The views are too weak: the untrained network already finds the other view of an image"
          + course.retrieval.text(" (for %.0f %% of them)", course.retrieval.start, times: 100)
          + ", so that there was little to learn.",
        "Views that show less of the image, --crop 0.2, or other colors, --color 1, ask more.",
      ]
    case .viewsTooStrong:
      [
        "The views are too strong: the network hardly finds the other view of an image"
          + course.retrieval.text(
            " (before the training for %.2f %% of them, now for %.2f %%)", course.retrieval.last,
            times: 100) + ".",
        "Views that show more of the image, --crop 0.5, or weaker colors, --color 0.5, are easier; "
          + "pretrain views FILE.png draws them.",
      ]
    case .tooShort:
      [
        "The run was far too short: \(counted(course.steps, "step")) "
          + "\(course.steps == 1 ? "changes" : "change") little. Train for a thousand steps or more, and "
          + "ten epochs or more of a small set."
      ]
    case .worse:
      [
        "The features tell less of the images than those of the "
          + (course.beganWithWeights ? "given weights" : "untrained network") + " do"
          + course.turns + ".",
        "Train longer, or with views that keep what matters: pretrain views FILE.png draws them.",
      ]
    case .learned:
      [
        "By measures without labels the training looks as it should"
          + course.turns + "."
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
  let neighbors: Measure
  let rank: Measure
  /// The effective rank and the spread of projections, at the first step and over the last ones.
  let directions: (first: Double, last: Double)?
  let lastSpread: Double?
  /// The share of views that find the other one by chance.
  let chance: Double?
  /// Whether a loss was not finite.
  let isBroken: Bool

  /// Whether the network had been trained before.
  let beganWithWeights: Bool

  init(_ log: RunLog, _ steps: Int, beganWithWeights: Bool) {
    self.beganWithWeights = beganWithWeights
    self.steps = steps
    retrieval = Measure(log.points("view_retrieval"))
    rotation = Measure(log.points("rotation_accuracy"))
    neighbors = Measure(log.points("view_neighbors"))
    rank = Measure(log.points("feature_rank"))
    directions = log.points("effective_rank").first.flatMap { first in
      Self.meanOfLast(log.points("effective_rank")).map { (first.value, $0) }
    }
    lastSpread = Self.meanOfLast(log.points("spread"))
    chance = log.points("evaluated_images").last.map { 1 / $0.value }
    isBroken =
      log.endedNonFinite || log.points("loss").contains { !$0.value.isFinite }
      || log.points("rotation_accuracy").contains { !$0.value.isFinite }
  }

  /// Trainings that went well found the other view twenty times as often as chance, or more; one
  /// whose views showed a hundredth of the image, in any color, ten times.
  private static let fewestFound = 15.0
  /// Among few images chance finds many: one in twenty of twenty.
  private static let mostAskedFor = 0.1
  /// Of fewer steps nothing else can be said: collapses pass, and ranks have not settled.
  private static let fewestSteps = 200

  var finding: RunVerdict.Finding {
    if steps < Self.fewestSteps { return .tooShort }
    if isCollapsed { return .collapsed }
    if let share = rank.share(of: rank.lowest), share < 0.6 { return .rateTooHigh }
    if let start = retrieval.start, start > 0.5, !beganWithWeights { return .viewsTooWeak }
    guard let rise = rotation.rise else { return .unknown }
    if let last = retrieval.last, let chance,
      last < min(Self.fewestFound * chance, Self.mostAskedFor)
    {
      return .viewsTooStrong
    }
    return rise < 0 ? .worse : .learned
  }

  /// Few directions are left of many: of small batches there never are many.
  private var isCollapsed: Bool {
    let hasFew = directions.map { $0.last < min(4, $0.first / 4) } ?? false
    return hasFew || lastSpread.map { $0 < 0.1 } ?? false
      || rank.share(of: rank.last).map { $0 < 0.35 } ?? false
  }

  /// What is left of the projections.
  var left: String {
    directions.map {
      String(format: " (their projections use %.1f directions; at first %.1f)", $0.last, $0.first)
    } ?? ""
  }

  private static func meanOfLast(_ points: [RunLog.Point]) -> Double? {
    let values = points.map(\.value).filter(\.isFinite)
    let last = values.suffix(max(1, values.count / 8))
    return last.isEmpty ? nil : last.reduce(0, +) / Double(last.count)
  }

  /// The figures behind a verdict on what was learned.
  var turns: String {
    rotation.text(
      " (a linear layer on them tells how an image is turned: %.1f %% right before, %.1f %% now)",
      rotation.last, times: 100)
  }

  /// Whether the second half of the run still improved the features: the learning rate falls, so
  /// that the last steps of any run change little.
  var outlook: [String] {
    guard let half = neighbors.half, let last = neighbors.last, half > 0 else { return [] }
    let rise = String(
      format: " (neighbors that views share: %.3f at half, %.3f at the end)", half, last)
    return last > Self.leastGain * half
      ? [
        "The second half still improved them: a longer training is likely to improve them more\(rise)."
      ]
      : [
        "The second half hardly improved them: more steps of this kind are likely to gain little\(rise)."
      ]
  }

  /// A training of 210 steps whose second half gained a fifth gained two fifths more in 600.
  private static let leastGain = 1.05
}

/// The numbers of one measure from the untrained network on.
private struct Measure {
  /// Of the untrained network; nil if it is not known.
  let start: Double?
  /// Of the evaluations of the training.
  private let values: [Double]
  /// Of the last evaluation in the first half of the training.
  let half: Double?

  init(_ points: [RunLog.Point]) {
    let finite = points.filter(\.value.isFinite)
    start = finite.first { $0.step == 0 }?.value
    let trained = finite.filter { $0.step > 0 }
    values = trained.map(\.value)
    half = trained.last { 2 * $0.step <= trained[trained.count - 1].step }?.value
  }

  var last: Double? { values.last }
  var lowest: Double? { values.min() }

  /// How much larger the last number is than the first.
  var rise: Double? { zip(start, last).map { $1 - $0 } }

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
