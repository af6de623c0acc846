import Nets
import Tensor

/// Makes a network better with unlabelled images.
///
/// ```swift
/// let learner = BYOL(net, imageSize: 256, hiddenLayer: "avgpool")
/// let optimizer = Adam(learner.parameters, learningRate: 3e-4)
/// for images in loader {
///   optimizer.zeroGradients()
///   let loss = learner(images)
///   loss.backward()
///   optimizer.step()
///   learner.updateMovingAverage()
/// }
/// ```
public protocol Learner: AnyObject {
  /// The user's network, which the training improves.
  var net: any Module { get }

  /// All parts with parameters or a mode: the network and the heads.
  var modules: [any Module] { get }

  /// Two random views of each image.
  func views(of images: Tensor) -> (first: Tensor, second: Tensor)

  /// The loss of two given views of the same images: no randomness of its own.
  func loss(_ first: Tensor, _ second: Tensor) -> Tensor

  /// Projections and embeddings of images as they are.
  func represent(_ images: Tensor) -> Representation

  /// Lets the target follow; called once after each optimizer step. Nothing without a target.
  func updateMovingAverage()

  /// What the last loss was like.
  var statistics: LearnerStatistics { get }
}

/// What a learner makes of images.
public struct Representation: Sendable {
  /// The output of the projector, of shape [count, projection size].
  public let projection: Tensor
  /// The features of the tapped layer, of shape [count, width].
  public let embedding: Tensor
}

/// How a learner's last step looked.
public struct LearnerStatistics: Sendable {
  /// The mean over dimensions of the standard deviation of unit-norm projections, times the square
  /// root of their number: about 1 for healthy projections, 0 for collapsed ones.
  public var spread: Float = .nan

  /// No step yet.
  public init() {}
}

extension Learner {
  /// The loss of two random views of each image, to be differentiated.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels], values 0...1.
  /// - Returns: A scalar.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    precondition(
      images.rank == 4,
      "a learner needs images [count, height, width, channels]; got shape \(images.shape)")
    let views = views(of: images)
    return loss(views.first, views.second)
  }

  /// Everything an optimizer should move, complete from `init` on.
  public var parameters: [Parameter] { modules.flatMap { $0.parameters }.uniqued() }

  /// Weights that decay, and biases and norms that do not.
  public func parameterGroups(weightDecay: Float) -> [ParameterGroup] {
    let groups = modules.map { $0.parameterGroups(weightDecay: weightDecay) }
    return [0, 1].map { kind in
      ParameterGroup(
        groups.flatMap { $0[kind].parameters }.uniqued(), weightDecay: kind == 0 ? weightDecay : 0)
    }
  }

  /// Puts the network and the heads into training mode.
  public func train() { modules.forEach { $0.train() } }

  /// Puts the network and the heads into evaluation mode.
  public func evaluate() { modules.forEach { $0.evaluate() } }
}

/// How many of the unit sphere's directions `projections` [count, size] use: 1 healthy, 0 collapsed.
public func normalizedSpread(_ projections: Tensor) -> Float {
  guard projections.shape[0] > 1 else { return .nan }
  let size = Float(projections.shape[1])
  return withoutGradients {
    let deviations = sqrt(unitNorm(projections.detached).variance(axes: [0], correction: 1))
    return deviations.mean().item * size.squareRoot()
  }
}
