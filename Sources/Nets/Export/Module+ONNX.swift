import Files
import Foundation
import Tensor

extension Module {
  /// Writes this network for images as an ONNX model, which onnxruntime and others run.
  ///
  /// The model takes `images` of shape [batch, channels, height, width], as is usual there, of any
  /// batch size, and gives `output`; an output of four axes has its channels second too. It computes
  /// what the network computes in evaluation mode, which is found by running it; nothing of the
  /// network changes. Weights have the names and the layout of the state dictionary.
  ///
  /// - Parameters:
  ///   - path: The file, which is replaced.
  ///   - imageSize: The height and width of the images, which the model is made for.
  ///   - inputChannels: The channels of the images.
  ///   - hiddenLayer: The layer whose output the model gives; one of a single pixel becomes
  ///     [batch, channels]. The network's own output if it is nil.
  ///   - metadata: What the model's properties say besides the network's type and the layout.
  /// - Throws: ``ONNXExportError`` that names the layer and the operation which cannot be exported,
  ///   before anything is written; ``HiddenLayerError`` if the layer is not there; `FileError` if
  ///   the file cannot be written.
  public func exportONNX(
    to path: String, imageSize: any Size2DConvertible, inputChannels: Int = 3,
    hiddenLayer: HiddenLayer? = nil, metadata: [String: String] = [:]
  ) throws {
    let size = imageSize.size2D
    try exportONNX(
      to: path, inputShape: [size.height, size.width, inputChannels], hiddenLayer: hiddenLayer,
      metadata: metadata)
  }

  /// Writes this network as an ONNX model, which onnxruntime and others run; see
  /// ``exportONNX(to:imageSize:inputChannels:hiddenLayer:metadata:)``.
  ///
  /// - Parameters:
  ///   - path: The file, which is replaced.
  ///   - inputShape: The shape of one input, without the count: [width] for a head, and [height,
  ///     width, channels] for images, which the model takes as `images` with the channels first.
  ///     Inputs of other shapes are called `input`.
  ///   - hiddenLayer: The layer whose output the model gives; the network's own if it is nil.
  ///   - metadata: What the model's properties say besides the network's type and the layout.
  /// - Throws: ``ONNXExportError``, ``HiddenLayerError`` or `FileError`.
  public func exportONNX(
    to path: String, inputShape: TensorShape, hiddenLayer: HiddenLayer? = nil,
    metadata: [String: String] = [:]
  ) throws {
    precondition(
      inputShape.allSatisfy { $0 > 0 }, "exportONNX needs sizes above zero; got \(inputShape)")
    let model = try onnxModel(
      inputShape: inputShape, hiddenLayer: hiddenLayer, metadata: metadata)
    let bytes = model.message.bytes
    try writeAtomically(to: path) { try $0.write(contentsOf: bytes) }
  }

  /// This network as a model.
  func onnxModel(
    inputShape: TensorShape, hiddenLayer: HiddenLayer?, metadata: [String: String]
  ) throws -> ONNXModel {
    let layer = try hiddenLayer?.resolve(in: self)
    let network = try TracedNetwork(self, inputShape: inputShape, layer: layer)
    let (input, order) =
      inputShape.rank == 3
      ? ("images", ONNXGraphBuilder.channelsFirst) : ("input", Array(0...inputShape.rank))
    let state = stateTensors
    if let name = state.map(\.name).first(where: { [input, "output"].contains($0) }) {
      throw ONNXExportError(
        "its state has a tensor called \"\(name)\", which is what the model calls its input or output"
      )
    }
    var graph = ONNXGraphBuilder(
      input: .init(name: input, order: order, shape: network.inputShape), state: state)
    for step in network.steps { try graph.add(step) }
    graph.layer = ""
    let output = graph.finish(with: graph.values[network.output], isFeatures: layer != nil)
    let entries = [
      "name": "\(type(of: self))", "layout": inputShape.rank == 3 ? "NCHW" : "as given",
    ].merging(metadata) { $1 }
    return try ONNXModel(
      name: "\(type(of: self))", nodes: graph.nodes, initializers: graph.initializers,
      input: ONNXValueInfo(name: input, shape: network.inputShape.permuted(order)),
      output: output, metadata: entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    ).checked()
  }

  /// The tensors of the state, with the names that they have there.
  private var stateTensors: [ONNXGraphBuilder.StateTensor] {
    namedParameters.map { name, parameter in
      .init(name: name, layout: parameter.layout, value: parameter.value.detached)
    } + namedBuffers.map { .init(name: $0, layout: .same, value: $1.value) }
  }
}

extension ONNXGraphBuilder {
  /// Makes a value the output; as features, maps of one pixel become vectors.
  fileprivate mutating func finish(with value: Value, isFeatures: Bool) -> ONNXValueInfo {
    var value = value
    let isPixel = value.shape.rank == 4 && value.shape.sizes[1...2].allSatisfy { $0 == .fixed(1) }
    if isFeatures, isPixel {
      let shape = BatchShape([value.shape.sizes[0], value.shape.sizes[3]])
      let pixels = name(of: value, order: Self.channelsFirst)
      value = Value(
        name: node("Reshape", [pixels, integers(shape.reshapeTarget)]), order: [0, 1],
        shape: shape)
    }
    let order = value.shape.rank == 4 ? Self.channelsFirst : Array(0..<value.shape.rank)
    finish(with: name(of: value, order: order))
    return ONNXValueInfo(name: "output", shape: value.shape.permuted(order))
  }
}

extension ONNXModel {
  /// This model, if a file can hold it.
  fileprivate func checked() throws -> ONNXModel {
    let bytes = initializers.reduce(0) { $0 + $1.byteCount }
    // Protocol Buffers end there.
    guard bytes < Int(Int32.max) - (1 << 20) else {
      throw ONNXExportError(
        "its weights take \(bytes) bytes, and a file of ONNX holds less than 2 GB")
    }
    return self
  }
}
