import Nets
import Tensor

/// Makes a network better with unlabeled images.
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
/// ``MethodLearner`` is the one type that conforms; code that takes any method takes `any Learner`.
public protocol Learner<Views>: Stateful, SendableMetatype {
  /// What is drawn of a batch.
  associatedtype Views: ViewSet

  /// The user's network, which the training improves.
  var net: any Module { get }
  /// From features to projections.
  var projector: any Module { get }
  /// Everything an optimizer should move, complete from `init` on.
  var parameters: [Parameter] { get }
  /// The network, then the parts of the method that are modules.
  var modules: [any Module] { get }
  /// Where the next random views come from.
  var stream: RandomStream { get set }
  /// ``stream`` and the streams of layers such as dropout, under their names in a state.
  var randomStreams: [String: RandomStream] { get set }
  /// The running statistics of norms, in the network, the heads and a target: all that a loss itself
  /// moves.
  var runningStatistics: [Tensor] { get set }
  /// Whether the loss itself keeps images apart: see ``LearningMethod/preventsCollapse``.
  var preventsCollapse: Bool { get }
  /// Whether losses are those of a training, or leave no trace.
  var mode: Mode { get }

  /// Views of each image drawn from `stream`, or, if it is nil, those that the next loss will draw.
  /// The learner's own stream does not move.
  ///
  /// `indices` say where each image is in its data set, for a method that keeps something of each.
  func views(of images: Tensor, indices: [Int]?, using stream: RandomStream?) -> Views

  /// The loss of given views, with its statistics and metrics.
  func stepLoss(of views: Views, labels: [Int]?) -> StepLoss

  /// Features [count, width] of the tapped layer, recorded for gradients.
  func features(_ images: Tensor) -> Tensor

  /// Lets targets and memories follow the step that the optimizer has taken.
  ///
  /// To be called after each `step()` of the optimizer. A call too many, or one before the
  /// optimizer has moved, does nothing; a forgotten one is made up for before the next loss.
  func updateMovingAverage()

  /// Makes the target equal to the network again, for when other weights were loaded into it in the
  /// middle of a training. Nothing without a target.
  func resetMovingAverage()

  /// Forgets losses that were differentiated and whose step is not taken, such as one with
  /// gradients that are not finite: their images enter no memory.
  func discardStep()

  /// Puts the network and the heads into training mode.
  func train()

  /// Puts the network and the heads into evaluation mode, in which losses leave no trace.
  func eval()
}

// MARK: - Losses

extension Learner {
  /// The loss of two random views of each image, to be differentiated.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels], values 0...1; or
  ///   signals [count, length, channels] or vectors [count, features], with augmentations that suit
  ///   them.
  /// - Returns: A scalar.
  public func callAsFunction(_ images: Tensor) -> Tensor { stepLoss(on: images).value }

  /// The same for images whose places in their data set are known, as those of a batch are: for a
  /// method that keeps something of each, such as ``Distillation``.
  public func callAsFunction(_ images: Tensor, indices: [Int]) -> Tensor {
    stepLoss(on: images, indices: indices).value
  }

  /// The loss of random views of each image, with its statistics and metrics; moves ``stream`` on.
  ///
  /// - Parameters:
  ///   - images: A batch of shape [count, height, width, channels], values 0...1.
  ///   - labels: A class for each image, if it is known; for metrics alone.
  ///   - indices: Where each image is in its data set, for a method that keeps something of each.
  /// - Returns: The loss, and what belongs to it.
  public func stepLoss(
    on images: Tensor, labels: [Int]? = nil, indices: [Int]? = nil
  ) -> StepLoss {
    let drawn = views(of: images, indices: indices, using: stream.split())
    return stepLoss(of: drawn, labels: labels)
  }

  /// The loss of given views, with its statistics and metrics: no randomness of its own.
  public func stepLoss(of views: Views) -> StepLoss { stepLoss(of: views, labels: nil) }

  /// The loss of two given views of the same images: no randomness of its own.
  ///
  /// - Parameters:
  ///   - first: A batch of shape [count, height, width, channels].
  ///   - second: Other views of the same images.
  /// - Returns: A scalar.
  public func loss(_ first: Tensor, _ second: Tensor) -> Tensor {
    stepLoss(of: Views(ViewPair(first: first, second: second))).value
  }

  /// Views of each image drawn from `stream`, or, if it is nil, those that the next loss will draw.
  public func views(of images: Tensor, using stream: RandomStream?) -> Views {
    views(of: images, indices: nil, using: stream)
  }

  /// The views that the next loss will draw of each image; ``stream`` does not move.
  public func views(of images: Tensor) -> Views { views(of: images, using: nil) }

  /// The first two views of those that the next loss will draw of each image.
  public func viewPair(of images: Tensor) -> ViewPair { views(of: images).pair }

  /// Projections of shape [count, projection size], recorded for gradients.
  public func project(_ images: Tensor) -> Tensor { projector(features(images)) }
}

// MARK: - Use

extension Learner {
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
            let embedding = features(images)
            return (projection: projector(embedding), embedding: embedding)
          }
          return Representation(
            projection: concatenated(parts.map(\.projection)),
            embedding: concatenated(parts.map(\.embedding)))
        }
      }
    }
  }

  /// The embeddings of ``represent(_:batchSize:)`` alone: heads may cost as much as a small network.
  package func embedding(of images: Tensor) -> Tensor {
    net.evaluating {
      // Of about a step's size, so that the memory of a step is used again.
      withoutGradients { concatenated(images.chunks(of: 128).map { features($0) }) }
    }
  }

  /// Weights that decay, and biases and norms that do not.
  public func parameterGroups(weightDecay: Float) -> [ParameterGroup] {
    let groups = modules.map { $0.parameterGroups(weightDecay: weightDecay) }
    return [0, 1].map { kind in
      ParameterGroup(
        groups.flatMap { $0[kind].parameters }.uniqued(), weightDecay: kind == 0 ? weightDecay : 0,
        usesLayerAdaptation: kind == 0)
    }
  }

  /// Whether a part behind the projector has weights, as a predictor has.
  package var hasPredictor: Bool {
    modules.dropFirst().contains { $0 !== projector && !$0.parameters.isEmpty }
  }
}

/// What a learner makes of images.
public struct Representation: Sendable {
  /// The output of the projector, of shape [count, projection size].
  public let projection: Tensor
  /// The features of the tapped layer, of shape [count, width].
  public let embedding: Tensor
}
