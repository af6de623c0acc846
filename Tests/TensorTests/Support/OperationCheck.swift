import Foundation
import Tensor

/// One row of the table of operations: a public operation, its twin, and inputs to try.
struct OperationCheck: Sendable {
  /// The operation as `PublicOperations` reads it in the sources: unlabeled types, then labels.
  let name: String
  /// Which of several rows of one operation this is.
  let variant: String
  /// Sets of input shapes, checked in full.
  let shapes: [[[Int]]]
  /// Sets of input shapes that reach the threaded paths; values and one directional derivative.
  let largeShapes: [[[Int]]]
  let draw: Draw
  let function: @Sendable ([Tensor]) -> Tensor
  let twin: @Sendable ([Twin]) -> Twin

  init(
    _ name: String, _ variant: String = "", on shapes: [[[Int]]], large: [[[Int]]] = [],
    drawn draw: Draw = .normal, _ function: @escaping @Sendable ([Tensor]) -> Tensor,
    twin: @escaping @Sendable ([Twin]) -> Twin
  ) {
    self.name = name
    self.variant = variant
    self.shapes = shapes
    self.largeShapes = large
    self.draw = draw
    self.function = function
    self.twin = twin
  }
}

/// How inputs are drawn.
enum Draw: Sendable {
  /// From the standard normal distribution.
  case normal
  /// Evenly from 0.5 to 2.5: away from zero.
  case positive
  /// All different, odd multiples of 0.025: away from ties, from zero and from multiples of 0.05.
  case distinct

  func inputs(_ shapes: [[Int]], using stream: inout RandomStream) -> [Tensor] {
    let counts = shapes.map { $0.reduce(1, *) }
    var scalars: [Float] = []
    let total = counts.reduce(0, +)
    switch self {
    case .normal: scalars = (0..<total).map { _ in stream.normal() }
    case .positive: scalars = (0..<total).map { _ in stream.uniform(in: 0.5..<2.5) }
    case .distinct:
      scalars = stream.permutation(total).map { Float(2 * $0 - 2 * (total / 2) + 1) * 0.025 }
    }
    var start = 0
    return zip(shapes, counts).map { shape, count in
      defer { start += count }
      return sliced(Array(scalars[start..<start + count]), shape)
    }
  }

  /// The numbers as a slice of a larger tensor, so that each kernel is seen to heed the offset.
  private func sliced(_ scalars: [Float], _ shape: [Int]) -> Tensor {
    let before = [Float](repeating: .nan, count: scalars.count)
    return Tensor(before + scalars, shape: TensorShape([2] + shape))[1]
  }
}
