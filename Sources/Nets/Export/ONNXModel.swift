import Files
import Tensor

/// A model of the Open Neural Network Exchange, as far as networks have use for it. The numbers of
/// the fields and the types are those of onnx.proto.
struct ONNXModel {
  /// The first version of the operators that has LayerNormalization.
  static let operatorSet = 17
  /// The version of the format that came with those operators.
  static let formatVersion = 8

  var name: String
  var nodes: [ONNXNode] = []
  var initializers: [ONNXTensor] = []
  var input: ONNXValueInfo
  var output: ONNXValueInfo
  var metadata: [(key: String, value: String)] = []

  var message: ProtobufMessage {
    var graph = ProtobufMessage()
    for node in nodes { graph.add(1, node.message) }
    graph.add(2, name)
    for initializer in initializers { graph.add(5, initializer.message) }
    graph.add(11, input.message)
    graph.add(12, output.message)
    var operators = ProtobufMessage()
    operators.add(1, "")
    operators.add(2, Self.operatorSet)
    var model = ProtobufMessage()
    model.add(1, Self.formatVersion)
    model.add(2, "SelfSupervised")
    model.add(7, graph)
    model.add(8, operators)
    for (key, value) in metadata {
      var entry = ProtobufMessage()
      entry.add(1, key)
      entry.add(2, value)
      model.add(14, entry)
    }
    return model
  }
}

/// One operation of a graph.
struct ONNXNode {
  enum Attribute: Equatable {
    case integer(Int)
    case integers([Int])
    case float(Float)
    case string(String)
  }

  let type: String
  let name: String
  /// The names of values; an input that is left out has none.
  var inputs: [String]
  var output: String
  var attributes: [(name: String, value: Attribute)]

  var message: ProtobufMessage {
    var message = ProtobufMessage()
    for input in inputs { message.add(1, input) }
    message.add(2, output)
    message.add(3, name)
    message.add(4, type)
    for (name, value) in attributes { message.add(5, Self.message(name, value)) }
    return message
  }

  private static func message(_ name: String, _ value: Attribute) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    switch value {
    case .float(let number):
      message.add(2, number)
      message.add(20, 1)
    case .integer(let number):
      message.add(3, number)
      message.add(20, 2)
    case .string(let text):
      message.add(4, text)
      message.add(20, 3)
    case .integers(let numbers):
      for number in numbers { message.add(8, number) }
      message.add(20, 7)
    }
    return message
  }
}

/// Numbers that a graph holds.
struct ONNXTensor {
  enum Numbers {
    case floats(Tensor)
    case integers([Int])
  }

  let name: String
  let shape: [Int]
  let numbers: Numbers

  var byteCount: Int {
    switch numbers {
    case .floats(let tensor): 4 * tensor.elementCount
    case .integers(let values): 8 * values.count
    }
  }

  var message: ProtobufMessage {
    var message = ProtobufMessage()
    for size in shape { message.add(1, size) }
    switch numbers {
    case .floats(let tensor):
      message.add(2, 1)
      message.add(8, name)
      message.add(9, tensor.withUnsafeBufferPointer { Array(UnsafeRawBufferPointer($0)) })
    case .integers(let values):
      message.add(2, 7)
      message.add(8, name)
      message.add(9, values.flatMap { littleEndianBytes(Int64($0)) })
    }
    return message
  }
}

/// The name and the shape of what a graph takes or gives: floats.
struct ONNXValueInfo {
  let name: String
  let shape: BatchShape

  var message: ProtobufMessage {
    var sizes = ProtobufMessage()
    for size in shape.sizes {
      var dimension = ProtobufMessage()
      switch size {
      case .fixed(let count): dimension.add(1, count)
      case .batches(1): dimension.add(2, "batch")
      case .batches(let count): dimension.add(2, "\(count)*batch")
      }
      sizes.add(1, dimension)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, 1)
    tensor.add(2, sizes)
    var type = ProtobufMessage()
    type.add(1, tensor)
    var message = ProtobufMessage()
    message.add(1, name)
    message.add(2, type)
    return message
  }
}
