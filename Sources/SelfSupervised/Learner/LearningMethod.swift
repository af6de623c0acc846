import Nets
import Tensor

/// A way to learn from views of unlabeled images, as a paper describes it: hyperparameters, heads
/// and a loss.
///
/// A method is a value and holds no weights. ``MethodLearner`` runs it around any network. A method
/// of your own says three things: which parts stand behind the network (``makeParts(for:using:)``),
/// what the loss of some views is (``loss(of:in:)``), and how views are drawn if none are given
/// (``augmentations(imageSize:)``). See <doc:WritingALearner>.
public protocol LearningMethod<Views>: Sendable {
  /// What is drawn of a batch: two views of each image, or more than that.
  associatedtype Views: ViewSet = ViewPair
  /// The modules and memories behind the network.
  associatedtype Parts: MethodParts

  /// Whether the loss itself keeps images apart, by negatives or by a term of its own. Where it
  /// does not, only a predictor and a slow target do.
  var preventsCollapse: Bool { get }
  /// Whether several processes, each with its part of a batch, take the step that one takes: the loss
  /// is a mean over images, or gathers what it needs of the others' (``allGather(_:)-(Tensor)``), and
  /// so do memories.
  var runsInSeveralProcesses: Bool { get }

  /// Makes the parts; called once for each learner, inside `withRandomSeed`.
  ///
  /// - Parameters:
  ///   - backbone: The network with its tapped layers, whose ``Backbone/width`` the heads read.
  ///   - stream: Randomness for what is not the initial weight of a layer.
  /// - Returns: The modules and memories behind the network.
  func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts

  /// Views of each image in `images`; the same stream gives the same views.
  func views(
    of images: Tensor, by augmentations: Augmentations, using stream: RandomStream
  ) -> Views

  /// The same for images whose places in their data set may be known, for a method that keeps
  /// something of each of them; by default the places do not matter.
  func views(
    of images: Tensor, indices: [Int]?, by augmentations: Augmentations, using stream: RandomStream
  ) -> Views

  /// The loss of given views.
  ///
  /// It has no randomness of its own and changes nothing but running statistics. What a step shall
  /// change once the optimizer has moved, such as a memory, is ``StepLoss/commit``.
  func loss(of views: Views, in pass: Pass<Parts>) -> StepLoss

  /// How views of images are drawn when the learner is given no augmentation.
  func augmentations(imageSize: Size2D) -> Augmentations
}

/// How first and second views are drawn.
public typealias Augmentations = (first: any Augmentation, second: any Augmentation)

extension LearningMethod {
  /// It does not.
  public var preventsCollapse: Bool { false }
  /// Not unless the method says so: several processes would train on another loss unseen.
  public var runsInSeveralProcesses: Bool { false }

  /// The views of the images, wherever they are in their data set.
  public func views(
    of images: Tensor, indices: [Int]?, by augmentations: Augmentations, using stream: RandomStream
  ) -> Views {
    views(of: images, by: augmentations, using: stream)
  }

  /// BYOL's two ways, not normalised.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    (
      Compose.byolFirst(imageSize: imageSize, normalization: nil),
      Compose.byolSecond(imageSize: imageSize, normalization: nil)
    )
  }
}

extension LearningMethod where Views == ViewPair {
  /// Two random views of each image.
  public func views(
    of images: Tensor, by augmentations: Augmentations, using stream: RandomStream
  ) -> ViewPair {
    ViewPair(of: images, by: augmentations, using: stream)
  }
}

/// What a method puts behind the network.
///
/// Stored properties that are `Stateful`, such as modules, a ``TargetNetwork`` or a ``MemoryBank``,
/// and optionals of these, are saved under their names and in their order. The parameters of
/// modules among them are trained; targets follow after each step.
public protocol MethodParts {
  /// The module from features to projections.
  var projector: any Module { get }
}

extension MethodParts {
  /// The stored parts under the names of their properties.
  var named: [(name: String, part: any Stateful)] {
    Mirror(reflecting: self).children.compactMap { label, value in
      guard let label, let part = value as? any Stateful else { return nil }
      return (label, part)
    }
  }
}

/// A projector and nothing else.
public struct ProjectorOnly: MethodParts {
  /// The module from features to projections.
  public let projector: any Module

  /// Parts of a method that has a projector alone.
  public init(projector: any Module) { self.projector = projector }
}
