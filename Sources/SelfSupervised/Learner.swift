import Nets
import Tensor

/// Makes a network better with unlabelled images.
///
/// ```swift
/// let learner = BYOL(net, imageSize: 256, hiddenLayer: "avgpool")
/// let optimizer = Adam(learner.parameters, learningRate: 3e-4)
/// for batch in loader.epoch(0) {
///   optimizer.zeroGradients()
///   let loss = learner(batch.images)
///   loss.backward()
///   optimizer.step()
///   learner.updateMovingAverage()
/// }
/// ```
///
/// A learner of your own says what its views are, what the loss of two views is and which parts it
/// consists of; the rest is here.
public protocol Learner<Views>: Stateful {
  /// What is drawn of a batch: two views of each image, or more than that.
  associatedtype Views = ViewPair

  /// The user's network up to the tapped layer.
  var encoder: Encoder { get }

  /// From features to projections.
  var projector: any Module { get }

  /// Everything with parameters, a mode or numbers to be saved, under the names of saved files.
  var parts: [(name: String, part: any Stateful)] { get }

  /// Where the random views come from.
  var stream: RandomStream { get set }

  /// Random views of each image, which move ``stream`` on.
  func views(of images: Tensor) -> Views

  /// The loss of given views: no randomness of its own.
  func loss(_ views: Views) -> Tensor

  /// Lets the target follow; called once after each optimizer step. Nothing without a target.
  func updateMovingAverage()

  /// Makes the target equal to the network again, for when other weights were loaded into it. Nothing without
  /// a target.
  func resetMovingAverage()

  /// What the last loss was like.
  var statistics: LearnerStatistics { get }

  /// What else is worth a look after a loss, by names that suit a log.
  var measures: [(name: String, value: Float)] { get }

  /// Whether the loss itself keeps images apart, by negatives or by a term of its own; where it does
  /// not, only a predictor and a slow target do.
  var lossKeepsImagesApart: Bool { get }
}

extension Learner {
  /// The user's network, which the training improves.
  public var net: any Module { encoder.net }

  /// The parts that are modules.
  public var modules: [any Module] { parts.compactMap { $0.part as? any Module } }

  /// The loss of two random views of each image, to be differentiated.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels], values 0...1; or signals
  ///   [count, length, channels] or vectors [count, features], with augmentations that suit them.
  /// - Returns: A scalar.
  public func callAsFunction(_ images: Tensor) -> Tensor { loss(views(of: images)) }

  /// Nothing.
  public var measures: [(name: String, value: Float)] { [] }

  /// It does not.
  public var lossKeepsImagesApart: Bool { false }

  /// Nothing: there is no target.
  public func updateMovingAverage() {}

  /// Nothing: there is no target.
  public func resetMovingAverage() {}

  /// Projections of shape [count, projection size], recorded for gradients.
  public func project(_ images: Tensor) -> Tensor { projector(encoder(images)) }

  /// Whether both views may go through the network and the projector at once.
  public var takesBatchesAtOnce: Bool { encoder.takesBatchesAtOnce && projector.isImagewise }

  /// Projections and embeddings of images as they are, in evaluation mode and without gradients.
  ///
  /// If the augmentations end with a ``Normalize``, the network knows normalised images alone, and
  /// `represent(Normalize.imageNet(images))` has them.
  ///
  /// - Parameters:
  ///   - images: A batch of any size, one included.
  ///   - batchSize: How many images go through the network at a time, so that memory stays flat.
  /// - Returns: The projections and the features of the tapped layer.
  public func represent(_ images: Tensor, batchSize: Int = 256) -> Representation {
    precondition(
      images.rank > 1 && images.shape[0] > 0 && batchSize > 0,
      "represent needs a batch of at least one image and a batch size of 1 or more; got shape "
        + "\(images.shape) and \(batchSize)")
    return net.evaluating {
      projector.evaluating {
        withoutGradients {
          let parts = images.chunks(of: batchSize).map { images in
            let embedding = encoder(images)
            return (projection: projector(embedding), embedding: embedding)
          }
          return Representation(
            projection: concatenated(parts.map(\.projection)),
            embedding: concatenated(parts.map(\.embedding)))
        }
      }
    }
  }
}

extension Learner where Views == ViewPair {
  /// The loss of two given views of the same images: no randomness of its own.
  ///
  /// - Parameters:
  ///   - first: A batch of shape [count, height, width, channels].
  ///   - second: Other views of the same images.
  /// - Returns: A scalar.
  public func loss(_ first: Tensor, _ second: Tensor) -> Tensor {
    loss(ViewPair(first: first, second: second))
  }
}

// MARK: - Training

extension Learner {
  /// Everything an optimizer should move, complete from `init` on.
  public var parameters: [Parameter] { modules.flatMap { $0.parameters }.uniqued() }

  /// Weights that decay, and biases and norms that do not.
  public func parameterGroups(weightDecay: Float) -> [ParameterGroup] {
    let groups = modules.map { $0.parameterGroups(weightDecay: weightDecay) }
    return [0, 1].map { kind in
      ParameterGroup(
        groups.flatMap { $0[kind].parameters }.uniqued(), weightDecay: kind == 0 ? weightDecay : 0,
        usesLayerAdaptation: kind == 0)
    }
  }

  /// Stops when there is one image and a batch norm, which has no variance over one, would run.
  public func checkCount(_ views: ViewPair) {
    precondition(
      views.count > 1 || !modules.contains { $0.usesBatchStatistics },
      "\(Self.self) needs at least 2 images in training, for batch norm has no variance over one; "
        + "got \(views.count)")
  }

  /// Puts the network and the heads into training mode.
  public func train() { modules.forEach { $0.train() } }

  /// Puts the network and the heads into evaluation mode.
  public func evaluate() { modules.forEach { $0.evaluate() } }
}

/// What a learner makes of images.
public struct Representation: Sendable {
  /// The output of the projector, of shape [count, projection size].
  public let projection: Tensor
  /// The features of the tapped layer, of shape [count, width].
  public let embedding: Tensor
}
