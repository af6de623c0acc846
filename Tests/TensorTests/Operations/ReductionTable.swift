import Foundation
import Tensor

extension OperationTable {
  static let reductions: [OperationCheck] =
    overAxes("sum(axes:, keepingAxes:)", { $0.sum(axes: $1, keepingAxes: $2) }) {
      $0.reduce(0, +)
    }
    + overAxes("mean(axes:, keepingAxes:)", { $0.mean(axes: $1, keepingAxes: $2) }) {
      $0.reduce(0, +) / Double($0.count)
    }
    + overAxes(
      "variance(axes:, keepingAxes:, correction:)",
      { $0.variance(axes: $1, keepingAxes: $2) }, { variance($0, correction: 0) })
    + overAxes(
      "max(axes:, keepingAxes:)", drawn: .distinct, { $0.max(axes: $1, keepingAxes: $2) },
      { $0.max() ?? .nan })
    + overAxes(
      "min(axes:, keepingAxes:)", drawn: .distinct, { $0.min(axes: $1, keepingAxes: $2) },
      { $0.min() ?? .nan })
    + overAxes("norm(axes:, keepingAxes:)", { $0.norm(axes: $1, keepingAxes: $2) }, length)
    + [
      OperationCheck(
        "variance(axes:, keepingAxes:, correction:)", "unbiased", on: InputShapes.matrices,
        { $0[0].variance(correction: 1) },
        twin: { $0[0].reduced([], keepingAxes: false) { variance($0, correction: 1) } }),
      OperationCheck(
        "logSumExp(axis:, keepingAxes:)", on: InputShapes.rows, large: InputShapes.rowsLarge,
        { $0[0].logSumExp() }, twin: { $0[0].reduced([-1], keepingAxes: false, logSumExp) }),
      OperationCheck(
        "logSumExp(axis:, keepingAxes:)", "kept first axis", on: InputShapes.matrices,
        { $0[0].logSumExp(axis: 0, keepingAxes: true) },
        twin: { $0[0].reduced([0], keepingAxes: true, logSumExp) }),
      OperationCheck(
        "cosineSimilarity(Tensor, Tensor, axis:)",
        on: [
          [[4], [4]], [[3, 5], [3, 5]], [[3, 5], [5]], [[2, 1, 6], [4, 6]], [[1, 3], [4, 3]],
        ],
        { cosineSimilarity($0[0], $0[1]) },
        twin: {
          Twin.zip($0[0].alongAxis(-1, unit), $0[1].alongAxis(-1, unit), *)
            .reduced([-1], keepingAxes: false) { $0.reduce(0, +) }
        }),
      OperationCheck(
        "cosineSimilarity(Tensor, Tensor, axis:)", "first axis", on: [[[3, 5], [3, 5]]],
        { cosineSimilarity($0[0], $0[1], axis: 0) },
        twin: {
          Twin.zip($0[0].alongAxis(0, unit), $0[1].alongAxis(0, unit), *)
            .reduced([0], keepingAxes: false) { $0.reduce(0, +) }
        }),
    ]

  static let vectors: [OperationCheck] =
    alongAxes("l2Normalized(Tensor, axis:, epsilon:)", { l2Normalized($0, axis: $1) }, unit)
    + alongAxes("softmax(Tensor, axis:)", { softmax($0, axis: $1) }) {
      let level = logSumExp($0)
      return $0.map { Foundation.exp($0 - level) }
    }
    + alongAxes("logSoftmax(Tensor, axis:)", { logSoftmax($0, axis: $1) }) {
      let level = logSumExp($0)
      return $0.map { $0 - level }
    }
    + [
      OperationCheck(
        "l2Normalized(Tensor, axis:, epsilon:)", "below epsilon", on: InputShapes.rows,
        { l2Normalized($0[0], epsilon: 50) }, twin: { $0[0].map { $0 / 50 } }),
      OperationCheck(
        "crossEntropy(Tensor, [Int])", on: logits, large: [[[600, 60]]],
        { crossEntropy($0[0], labels($0[0].shape[0], below: $0[0].shape[1])) },
        twin: { inputs in
          let (count, classes) = (inputs[0].shape[0], inputs[0].shape[1])
          let chosen = labels(count, below: classes)
          let picked = Twin([count, classes]) { chosen[$0[0]] == $0[1] ? 1 : 0 }
          return twinCrossEntropy(inputs[0], picked)
        }),
      OperationCheck(
        "crossEntropy(Tensor, probabilities:)", on: logits.map { $0 + $0 }, drawn: .positive,
        { crossEntropy($0[0], probabilities: $0[1]) }, twin: { twinCrossEntropy($0[0], $0[1]) }),
    ]

  private static let logits = [[[1, 4]], [[3, 2]], [[5, 7]], [[2, 1]], [[4, 17]]]

  static func labels(_ count: Int, below classes: Int) -> [Int] {
    (0..<count).map { ($0 * 7 + 3) % classes }
  }

  private static func twinCrossEntropy(_ logits: Twin, _ probabilities: Twin) -> Twin {
    let logProbabilities = logits.alongAxis(-1) { row in row.map { $0 - logSumExp(row) } }
    return Twin.zip(probabilities, logProbabilities, *).reduced([], keepingAxes: false) {
      -$0.reduce(0, +) / Double(logits.shape[0])
    }
  }
}

// MARK: - Plain formulas

private func variance(_ values: [Double], correction: Int) -> Double {
  let mean = values.reduce(0, +) / Double(values.count)
  return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - correction)
}

private func length(_ values: [Double]) -> Double {
  values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

private func unit(_ values: [Double]) -> [Double] { values.map { $0 / length(values) } }

private func logSumExp(_ values: [Double]) -> Double {
  Foundation.log(values.reduce(0) { $0 + Foundation.exp($1) })
}

// MARK: - Rows of the table

/// A reduction over all axes, the last, the first, and inner and outer ones; kept and dropped.
private func overAxes(
  _ name: String, drawn draw: Draw = .normal,
  _ function: @escaping @Sendable (Tensor, [Int], Bool) -> Tensor,
  _ twin: @escaping @Sendable ([Double]) -> Double
) -> [OperationCheck] {
  func row(_ axes: [Int], _ keeps: Bool, _ shapes: [[[Int]]], _ large: [[[Int]]] = [])
    -> OperationCheck
  {
    OperationCheck(
      name, "over \(axes), \(keeps ? "kept" : "dropped")", on: shapes, large: large, drawn: draw,
      { function($0[0], axes, keeps) },
      twin: { $0[0].reduced(axes, keepingAxes: keeps, twin) })
  }
  let deep = [[[2, 3, 4, 2]], [[3, 1, 2, 5]], [[1, 1, 3, 1]]]
  return [
    row([], false, InputShapes.one + [[[37]]], InputShapes.oneLarge),
    row([], true, InputShapes.matrices),
    row([-1], false, InputShapes.rows, [[[500, 131]], [[3, 30_011]]]),
    row([0], false, InputShapes.matrices, [[[131, 500]], [[30_011, 3]]]),
    row([1], true, InputShapes.matrices, [[[30, 41, 50]]]),
    row([1, 2], true, deep, [[[5, 30, 31, 16]]]),
    row([0, 2], false, deep, [[[20, 9, 30, 16]]]),
    row([-1, 0], false, deep, [[[20, 9, 30, 16]]]),
  ]
}

/// An operation on vectors along the last, the first and a middle axis.
private func alongAxes(
  _ name: String, _ function: @escaping @Sendable (Tensor, Int) -> Tensor,
  _ twin: @escaping @Sendable ([Double]) -> [Double]
) -> [OperationCheck] {
  func row(_ axis: Int, _ shapes: [[[Int]]], _ large: [[[Int]]]) -> OperationCheck {
    OperationCheck(
      name, "along \(axis)", on: shapes, large: large, { function($0[0], axis) },
      twin: { $0[0].alongAxis(axis, twin) })
  }
  return [
    row(-1, InputShapes.rows, InputShapes.rowsLarge),
    row(0, InputShapes.matrices, [[[70, 500]]]),
    row(1, InputShapes.matrices, [[[20, 30, 60]]]),
  ]
}
