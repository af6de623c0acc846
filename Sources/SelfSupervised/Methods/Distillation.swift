import Nets
import Tensor

/// Supervision by a teacher: a network learns the features of another one.
public typealias Distillation = MethodLearner<DistillationMethod>

/// Distillation: a linear layer behind the network gives the teacher's features of the picture.
///
/// There are no labels and no negatives, and one view of each image is enough: what should be far
/// apart the teacher knows.
///
/// The loss is one of lightly-train's: of similarities, at least 0, or
/// of the features themselves, of the size of the teacher's. A loss that stays where it began learns
/// nothing: a lower rate, or a teacher that knows such pictures.
///
/// The teacher's features are computed once and ``Teacher/kept(_:)``, or the teacher is
/// ``Teacher/live(_:)`` and looks at each view. Kept ones cost nothing in a step; they are of the
/// picture as it is, so that a view is to give what the teacher says of the whole: the student learns
/// not to see the augmentations, as in contrastive learning, and crops that lose the thing shown ask
/// for what cannot be known. A live teacher says what it makes of the view itself.
public struct DistillationMethod: LearningMethod {
  /// What the student should have of the teacher.
  public enum Objective: String, Sendable, CaseIterable {
    /// Similarities to the features of earlier batches, in a queue: lightly-train's
    /// `distillationv1`. The length of features does not matter.
    case similarities
    /// The features: lightly-train's `distillationv2`, on the mean over the map.
    case features
  }

  /// What stands behind the network.
  public struct Parts: MethodParts {
    /// From features to the teacher's.
    public let projector: any Module
    /// The teacher's features of earlier batches; nil where they are not asked for.
    public let queue: MemoryBank?
  }

  let teacher: Teacher
  let objective: Objective
  let temperature: Float
  let queueSize: Int?
  let mixesImages: Bool

  /// The teacher keeps images apart.
  public var preventsCollapse: Bool { true }
  /// Not yet: its queue would have to be the same everywhere.
  public var runsInSeveralProcesses: Bool { false }

  /// A linear layer with small weights, and an empty queue.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    checkTeacher()
    let projector = Linear(backbone.width, teacher.width)
    var weights = stream.split()
    projector.weight.value = truncatedNormal(projector.weight.shape, using: &weights)
    return Parts(
      projector: projector,
      queue: objective == .similarities
        ? MemoryBank(capacity: queueSize ?? usualQueueSize, width: teacher.width) : nil)
  }

  private func checkTeacher() {
    precondition(
      temperature > 0 && (queueSize ?? 1) > 0,
      "Distillation needs a temperature and a queueSize above zero; got \(temperature) and "
        + "\(queueSize ?? 1)")
    guard case .kept(let features) = teacher else { return }
    precondition(
      features.rank == 2 && features.shape[0] > 0 && features.isFinite,
      "Distillation needs a teacher's features of shape [count, width], all of them finite; got shape "
        + "\(features.shape)")
    precondition(
      !mixesImages,
      "Distillation needs a live teacher to mix images; one with kept features knows the images alone"
    )
  }

  /// lightly-train's: a quarter to a half of the pictures mostly, 16 to 8,192.
  private var usualQueueSize: Int {
    guard case .kept(let features) = teacher else { return 1_024 }
    let doublings = [50, 100, 250, 500, 1_000, 2_000, 4_000, 10_000, 20_000]
    return 16 << doublings.count { $0 <= features.shape[0] }
  }

  /// One view of each image; the kept features of the images whose places are known.
  public func views(
    of images: Tensor, indices: [Int]?, by augmentations: Augmentations, using stream: RandomStream
  ) -> TaughtViews {
    let augmentation = augmentations.first
    let view = SelfSupervised.views(of: images, by: augmentation, using: stream.split(0))
    func taught(_ seen: Tensor, _ rows: Tensor? = nil) -> TaughtViews {
      TaughtViews(seen, teacher: rows) {
        ViewPair(
          first: view,
          second: SelfSupervised.views(of: images, by: augmentation, using: stream.split(1)))
      }
    }
    switch teacher {
    case .live: return taught(mixesImages ? mixed(view, using: stream.split(2)) : view)
    case .kept(let features):
      guard let indices else { return taught(view) }
      precondition(
        indices.count == images.shape[0]
          && indices.allSatisfy { (0..<features.shape[0]).contains($0) },
        "Distillation needs an index of the teacher's \(features.shape[0]) rows for each image; got "
          + "\(indices.count) up to \(indices.max() ?? 0) for \(images.shape[0]): are the features of "
          + "this data set?")
      return taught(view, features.indexSelect(indices))
    }
  }

  /// One view of each image, of which only a live teacher knows something.
  public func views(
    of images: Tensor, by augmentations: Augmentations, using stream: RandomStream
  ) -> TaughtViews {
    views(of: images, indices: nil, by: augmentations, using: stream)
  }

  /// Each image blended with another one of the batch, all by one share (Zhang et al., 2018).
  private func mixed(_ images: Tensor, using stream: RandomStream) -> Tensor {
    var stream = stream
    let share = stream.uniform()
    return share * images + (1 - share) * images.indexSelect(stream.permutation(images.shape[0]))
  }

  /// The mean over views of what the student lacks of the teacher.
  ///
  /// - Precondition: The teacher is live, or its features of these images are known.
  public func loss(of views: TaughtViews, in pass: Pass<Parts>) -> StepLoss {
    let taught = views.views.map { view in
      (student: pass.project(view), teacher: views.teacher ?? given(view))
    }
    let losses = taught.map { loss($0.student, $0.teacher, pass.parts.queue) }
    let queue = pass.parts.queue
    return StepLoss(
      losses.dropFirst().reduce(losses[0], +) / Float(losses.count),
      projections: taught[0].student
    ) { queue?.append(taught[0].teacher.flipped([0])) }
  }

  private func given(_ view: Tensor) -> Tensor {
    switch teacher {
    case .live(let network): return network(view)
    case .kept:
      preconditionFailure(
        "Distillation with kept features needs to know which images these are: "
          + "learner(batch.images, indices: batch.indices), or views with the teacher's features")
    }
  }

  private func loss(_ student: Tensor, _ teacher: Tensor, _ queue: MemoryBank?) -> Tensor {
    guard let queue else { return featureDistillationLoss(student, from: teacher) }
    return similarityDistillationLoss(
      // The other way round: of a batch that is displaced in part, lightly-train's first rows stay.
      student, from: teacher, anchors: queue.places(afterAppending: teacher.flipped([0])),
      temperature: temperature)
  }
}

/// N(0, 0.02²), drawn again beyond a hundred standard deviations, which never comes: torch's
/// `trunc_normal_` with bounds of -2 and 2.
private func truncatedNormal(_ shape: TensorShape, using stream: inout RandomStream) -> Tensor {
  clamp(.normal(shape, standardDeviation: 0.02, using: &stream), to: -2...2)
}

extension MethodLearner where M == DistillationMethod {
  /// A student around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `teacher`: Whose features are learnt.
  /// - `objective`: What the student should have of them.
  /// - `temperature`: What similarities are divided by.
  /// - `queueSize`: How many of the teacher's rows pictures are compared with; if nil, 16 to 8,192 by
  ///   the number of pictures, as in lightly-train, or 1,024 with a live teacher.
  /// - `mixesImages`: Whether views are blended with each other, as in lightly-train; for a live
  ///   teacher alone, and if nil, with one.
  public convenience init(
    _ net: any Module, teacher: Teacher, imageSize: (any Size2DConvertible)? = nil,
    inputShape: TensorShape? = nil, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    objective: DistillationMethod.Objective = .similarities, temperature: Float = 0.07,
    queueSize: Int? = nil, mixesImages: Bool? = nil, augmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    var isLive = false
    if case .live = teacher { isLive = true }
    let method = DistillationMethod(
      teacher: teacher, objective: objective, temperature: temperature, queueSize: queueSize,
      mixesImages: mixesImages ?? isLive)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, augmentation: augmentation, seed: seed)
  }
}
