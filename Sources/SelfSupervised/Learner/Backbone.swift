import Nets
import Tensor

/// The user's network up to the layers that a learner taps, all of them in one pass.
///
/// The first layer is the representation; a method may read more.
public final class Backbone {
  /// The user's network.
  public let net: any Module
  /// The shape of one output of each tapped layer, without the count.
  public let shapes: [TensorShape]
  /// The features of the first tapped layer, flattened.
  public let width: Int
  /// Whether both views go through the network at once: if all its modules are `SampleIndependent`s
  /// and reading its many weights once saves more than twice the activations cost.
  let fusesViews: Bool
  private let layers: [any Module]

  /// What caches hold; WhereTheTimeGoes.md has the times of networks below and above.
  private static let fewParameters = 1 << 20

  /// Taps `hiddenLayers` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayers: The layers, the representation first; one may come twice.
  ///   - inputShape: The shape of one input, without the count.
  /// - Precondition: The network has parameters that discovery finds, has the layers and calls
  ///   them.
  public convenience init(_ net: any Module, hiddenLayers: [HiddenLayer], inputShape: TensorShape) {
    do {
      try self.init(checking: net, hiddenLayers: hiddenLayers, inputShape: inputShape)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// Taps `hiddenLayers` of `net`, without changing anything in it.
  ///
  /// - Throws: ``LearnerError`` that says what the network lacks.
  init(checking net: any Module, hiddenLayers: [HiddenLayer], inputShape: TensorShape) throws {
    self.net = net
    let layers = try hiddenLayers.map { try $0.resolve(in: net) }
    self.layers = layers
    guard !net.parameters.isEmpty else {
      throw LearnerError(
        "a learner needs a network with parameters; \(type(of: net)) has none that discovery sees "
          + "(stored properties that are modules or parameters, or `members`)")
    }
    // Two of them: a batch norm that discovery missed is in training mode and would trap on one.
    let probe = Tensor.zeros(TensorShape([2] + inputShape.dimensions))
    let note =
      "the network ran on zeros of shape \(probe.shape), as imageSize, channels or inputShape says: is "
      + "it made for this shape?"
    let (output, outputs) = net.evaluating {
      FailureNote.with(note) { ActivationTap.outputs(of: layers) { net(probe) } }
    }
    let tapped = try zip(layers, outputs).map { layer, output in
      guard let output else { throw Self.neverCalled(layer, of: net, on: probe) }
      return output
    }
    shapes = tapped.map { TensorShape(Array($0.shape.dropFirst())) }
    width = shapes[0].elementCount
    fusesViews = net.isSampleIndependent && net.parameterCount > Self.fewParameters
    try Self.checkDiscovery(of: net, used: ([output] + tapped).flatMap(\.parameterUses))
  }

  /// What to say of a layer whose output nobody saw.
  private static func neverCalled(
    _ layer: any Module, of net: any Module, on probe: Tensor
  ) -> LearnerError {
    let names = net.namedModules
    let name = names.first { $0.module === layer }.map { " \"\($0.name)\"" } ?? ""
    let called = net.evaluating { ActivationTap.calledModules { _ = net(probe) } }
    let others = names.filter { !$0.name.isEmpty && called.contains(ObjectIdentifier($0.module)) }
    let shown = others.prefix(20).map(\.name).joined(separator: ", ")
    let rest = others.count > 20 ? " and \(others.count - 20) more" : ""
    return LearnerError(
      "the hidden layer\(name) of type \(type(of: layer)) was never called when the network ran on an "
        + "input of shape \(probe.shape); "
        + (others.isEmpty ? "no layer was" : "these were: \(shown)\(rest)")
        + ". Call layers as layer(x): layer.forward(x) is not seen")
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

  /// Runs the network and gives the features of the first tapped layer, of shape [count, width].
  public func callAsFunction(_ images: Tensor) -> Tensor { rows(outputs(images)[0], of: images) }

  /// Runs the network and gives what each tapped layer gave.
  public func outputs(_ images: Tensor) -> [Tensor] {
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

  /// The shape [height, width, channels] of the map that a tapped layer gives.
  ///
  /// - Precondition: It gives a map of more than one pixel.
  public func mapShape(ofLayer index: Int) -> TensorShape {
    let map = shapes[index]
    precondition(
      map.rank == 3 && map[0] * map[1] > 1,
      "the hidden layer for pixels needs an output [count, height, width, channels] of more than one "
        + "pixel; it gives shape [count" + map.map { ", \($0)" }.joined()
        + "]: tap a layer in front of the pooling, or one of less stride")
    return map
  }

  /// Traps unless the network takes images of another size and gives as many features of them.
  func checkTakes(_ size: Size2D, channels: Int) {
    let needed =
      "local views of \(size) need a network that gives as many features of small images as of large "
      + "ones, as one with a global pooling in front of its hidden layer does"
    let probe = Tensor.zeros([2, size.height, size.width, channels])
    let features = net.evaluating {
      FailureNote.with(needed) { withoutGradients { outputs(probe)[0].flattened(from: 1) } }
    }
    precondition(
      features.shape[1] == width,
      "\(needed); this one gives \(features.shape[1]) and \(width)")
  }

  /// What the first tapped layer gave, as rows of `width` features.
  func rows(_ tapped: Tensor, of images: Tensor) -> Tensor {
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

/// The shape of one image of a size, [height, width, channels]: with the channels that are given,
/// those that the first convolution of `net` reads, or three.
func imageShape(_ size: Size2D, channels: Int?, of net: any Module) -> TensorShape {
  [size.height, size.width, channels ?? inputChannels(of: net) ?? 3]
}

/// The channels that the first convolution of `net` reads.
private func inputChannels(of net: any Module) -> Int? {
  for (_, module) in net.namedModules {
    if let convolution = module as? Conv2d { return convolution.inputChannels }
    if let standardized = module as? WeightStandardized {
      return standardized.convolution.inputChannels
    }
  }
  return nil
}
