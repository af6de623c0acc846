import Nets
import Tensor

/// The layers of the user's network that a learner taps, all of them in one pass.
final class LayerTaps {
  /// The user's network.
  let net: any Module
  /// The shape of one output of each layer, without the count.
  let shapes: [Shape]
  private let layers: [any Module]

  /// Taps `hiddenLayers` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayers: The layers; one may come twice.
  ///   - inputShape: The shape of one input, without the count.
  /// - Throws: ``LearnerError`` that says what the network lacks.
  init(checking net: any Module, _ hiddenLayers: [HiddenLayer], inputShape: Shape) throws {
    self.net = net
    let layers = try hiddenLayers.map { try $0.resolve(in: net) }
    self.layers = layers
    guard !net.parameters.isEmpty else {
      throw LearnerError(
        "a learner needs a network with parameters; \(type(of: net)) has none that discovery sees "
          + "(stored properties that are modules or parameters, or `members`)")
    }
    // Two of them: a batch norm that discovery missed is in training mode and would trap on one.
    let probe = Tensor.zeros(Shape([2] + inputShape.dimensions))
    let (output, outputs) = net.evaluating {
      ActivationTap.outputs(of: layers) { net(probe) }
    }
    let tapped = try zip(layers, outputs).map { layer, output in
      guard let output else {
        throw LearnerError(
          "the hidden layer of type \(type(of: layer)) was never called when the network ran on an "
            + "input of shape \(probe.shape)")
      }
      return output
    }
    shapes = tapped.map { Shape(Array($0.shape.dropFirst())) }
    try Self.checkDiscovery(of: net, used: ([output] + tapped).flatMap(\.parameterUses))
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

  /// Runs the network and gives what each layer gave.
  func callAsFunction(_ images: Tensor) -> [Tensor] {
    let (_, outputs) = ActivationTap.outputs(of: layers) { net(images) }
    return zip(layers, outputs).map { layer, output in
      guard let output else {
        preconditionFailure(
          "the hidden layer of type \(type(of: layer)) was never called; was it replaced after the "
            + "learner was made?")
      }
      return output
    }
  }
}
