import Nets
import Tensor

/// The user's network up to the layer a learner taps.
public final class Encoder {
  /// The user's network.
  public let net: any Module
  /// The features of the tapped layer, flattened.
  public let width: Int
  private let layer: any Module

  /// Taps `hiddenLayer` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - inputShape: The shape of one input, without the count.
  /// - Throws: ``LearnerError`` that says what the network lacks.
  init(checking net: any Module, hiddenLayer: HiddenLayer, inputShape: Shape) throws {
    self.net = net
    let layer = try hiddenLayer.resolve(in: net)
    self.layer = layer
    guard !net.parameters.isEmpty else {
      throw LearnerError(
        "a learner needs a network with parameters; \(type(of: net)) has none that discovery sees "
          + "(stored properties that are modules or parameters, or `members`)")
    }
    // Two of them: a batch norm that discovery missed is in training mode and would trap on one.
    let probe = Tensor.zeros(Shape([2] + inputShape.dimensions))
    let (output, tapped) = net.evaluating {
      ActivationTap.output(of: layer) { net(probe) }
    }
    guard let tapped else {
      throw LearnerError(
        "the hidden layer of type \(type(of: layer)) was never called when the network ran on an "
          + "input of shape \(probe.shape)")
    }
    width = tapped.elementCount / 2
    try Self.checkDiscovery(of: net, used: output.parameterUses + tapped.parameterUses)
  }

  /// Taps `hiddenLayer` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - inputShape: The shape of one input, without the count.
  /// - Precondition: The network has parameters that discovery finds, has the layer and calls it.
  public convenience init(_ net: any Module, hiddenLayer: HiddenLayer, inputShape: Shape) {
    do {
      try self.init(checking: net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// A trainable parameter that the network used must be one that discovery found: the optimizer
  /// would never move it, nor the target follow it.
  private static func checkDiscovery(
    of net: any Module, used: [(parameter: Parameter, operation: String)]
  ) throws {
    let known = Set(net.parameters.map(ObjectIdentifier.init))
    for (parameter, operation) in used where !known.contains(ObjectIdentifier(parameter)) {
      throw LearnerError(
        "the network used a trainable parameter of shape \(parameter.shape) in \(operation) that "
          + "discovery did not find; hold it in a stored property of a module, or list it in "
          + "`members`")
    }
  }

  /// Runs the network and gives the tapped features of shape [count, width].
  public func callAsFunction(_ images: Tensor) -> Tensor {
    let (_, tapped) = ActivationTap.output(of: layer) { net(images) }
    guard let tapped else {
      preconditionFailure(
        "the hidden layer of type \(type(of: layer)) was never called; was it replaced after the "
          + "learner was made?")
    }
    let features = tapped.flattened(from: 1)
    precondition(
      features.shape[1] == width,
      "the hidden layer needs \(width) features, as when the learner was made; got "
        + "\(features.shape[1]) from images of shape \(images.shape)")
    return features
  }
}

/// A learner cannot be made as asked.
struct LearnerError: Error, CustomStringConvertible {
  /// What was needed and what came.
  let description: String

  init(_ description: String) { self.description = description }
}
