import Foundation

/// A network cannot be written as ONNX; no file was touched.
public struct ONNXExportError: Error, Hashable, CustomStringConvertible, LocalizedError {
  /// The dotted name of the layer that runs what cannot be exported; empty if it is the network's
  /// own `forward`, nil if no single layer is at fault.
  public let layer: String?
  /// The operation, by its name in Swift; nil if none is at fault.
  public let operation: String?
  /// What is wrong.
  public let reason: String

  /// An error about one operation.
  init(layer: String, operation: String, _ reason: String) {
    (self.layer, self.operation, self.reason) = (layer, operation, reason)
  }

  /// An error about the network as a whole.
  init(_ reason: String) { (layer, operation, self.reason) = (nil, nil, reason) }

  /// The layer, the operation and what is wrong.
  public var description: String {
    guard let layer, let operation else { return "the network cannot become ONNX: \(reason)" }
    let place = layer.isEmpty ? "the network's own forward" : "the layer \"\(layer)\""
    return "the network cannot become ONNX: \(operation) in \(place) \(reason)"
  }

  /// The description.
  public var errorDescription: String? { description }
}
