import Tensor

extension OperationTable {
  static let movement: [OperationCheck] = [
    OperationCheck("reshaped([Int])", on: InputShapes.matrices) {
      $0[0].reshaped([-1, $0[0].shape[0]])
    } twin: {
      $0[0].reshaped([$0[0].values.count / $0[0].shape[0], $0[0].shape[0]])
    },
    OperationCheck("reshaped(TensorShape)", on: InputShapes.one) {
      $0[0].reshaped(TensorShape($0[0].shape.reversed()))
    } twin: {
      $0[0].reshaped($0[0].shape.reversed())
    },
    OperationCheck("flattened(from:)", on: InputShapes.matrices) {
      $0[0].flattened(from: 1)
    } twin: {
      $0[0].reshaped([$0[0].shape[0], $0[0].values.count / $0[0].shape[0]])
    },
    permutedRow("reversed") { Array((0..<$0).reversed()) },
    permutedRow("rotated") { rank in (0..<rank).map { ($0 + 1) % rank } },
    permutedRow("first two") { [1, 0] + Array(2..<$0) },
    OperationCheck(
      "transposed()", on: InputShapes.matrices, large: [[[30, 40, 50]]], { $0[0].transposed() },
      twin: { twinPermuted($0[0], Array(0..<$0[0].rank - 2) + [$0[0].rank - 1, $0[0].rank - 2]) }),
    OperationCheck(
      "broadcast(to:)", on: [[[]], [[1]], [[4]], [[1, 4]], [[2, 3, 1]], [[2, 3, 4]], [[3, 1]]],
      large: [[[300, 1]], [[16]]],
      { $0[0].broadcast(to: TensorShape(enlarged($0[0].shape.dimensions))) },
      twin: { inputs in Twin(enlarged(inputs[0].shape)) { inputs[0][$0] } }),
    flippedRow("all axes", []), flippedRow("last", [-1]), flippedRow("first and last", [0, -1]),
    OperationCheck("padded([(before: Int, after: Int)], value:)", on: InputShapes.one) {
      let widths = (0..<$0[0].rank).map { (before: $0 % 3, after: ($0 + 1) % 2) }
      return $0[0].padded(widths, value: 1.5)
    } twin: { inputs in
      let x = inputs[0]
      let target = x.shape.enumerated().map { $1 + $0 % 3 + ($0 + 1) % 2 }
      return Twin(target) { index in
        let inner = index.enumerated().map { $1 - $0 % 3 }
        let isInside = zip(inner, x.shape).allSatisfy { $0 >= 0 && $0 < $1 }
        return isInside ? x[inner] : 1.5
      }
    },
    OperationCheck("cropped(at:, shape:)", on: InputShapes.one, large: [[[50, 30, 60]]]) {
      let sizes = $0[0].shape.map { max(1, $0 - 2) }
      return $0[0].cropped(at: cropStarts($0[0].shape.dimensions), shape: TensorShape(sizes))
    } twin: { inputs in
      let starts = cropStarts(inputs[0].shape)
      return Twin(inputs[0].shape.map { max(1, $0 - 2) }) { index in
        inputs[0][zip(index, starts).map(+)]
      }
    },
  ]

  static let entries: [OperationCheck] = [
    OperationCheck("subscript(Int)", on: InputShapes.rows) {
      $0[0][$0[0].shape[0] / 2]
    } twin: { inputs in
      let x = inputs[0]
      return Twin(Array(x.shape.dropFirst())) { x[[x.shape[0] / 2] + $0] }
    },
    OperationCheck("subscript(Range<Int>)", on: InputShapes.rows) {
      $0[0][$0[0].shape[0] / 3..<$0[0].shape[0]]
    } twin: { inputs in
      let (x, start) = (inputs[0], inputs[0].shape[0] / 3)
      return Twin([x.shape[0] - start] + x.shape.dropFirst()) { index in
        x[[index[0] + start] + index.dropFirst()]
      }
    },
    OperationCheck("indexSelect([Int])", on: InputShapes.rows) {
      $0[0].indexSelect(repeatedIndices($0[0].shape[0]))
    } twin: { inputs in
      let (x, indices) = (inputs[0], repeatedIndices(inputs[0].shape[0]))
      return Twin([indices.count] + x.shape.dropFirst()) { x[[indices[$0[0]]] + $0.dropFirst()] }
    },
    OperationCheck("takeAlong([Int])", on: [[[1, 1]], [[3, 4]], [[5, 2]], [[4, 1]], [[1, 6]]]) {
      $0[0].takeAlong(labels($0[0].shape[0], below: $0[0].shape[1]))
    } twin: { inputs in
      let columns = labels(inputs[0].shape[0], below: inputs[0].shape[1])
      return Twin([inputs[0].shape[0]]) { inputs[0][[$0[0], columns[$0[0]]]] }
    },
    concatenatedRow(
      "first axis", axis: 0, on: [[[2, 3], [1, 3]], [[4], [1], [3]], [[2, 1, 2]]]),
    concatenatedRow("last axis", axis: -1, on: [[[2, 3], [2, 1]], [[1, 4, 2], [1, 4, 5]]]),
    concatenatedRow(
      "second axis", axis: 1, on: [[[2, 3, 2], [2, 1, 2], [2, 2, 2]], [[1, 1], [1, 1]]]),
    stackedRow("first axis", axis: 0), stackedRow("last axis", axis: -1),
    OperationCheck(
      "select(Tensor, Tensor, Tensor)", on: InputShapes.pairs, large: InputShapes.pairsLarge
    ) {
      select(Tensor(mask($0[1].elementCount), shape: $0[1].shape), $0[0], $0[1])
    } twin: { inputs in
      let mask = Twin(inputs[1].shape, values: mask(inputs[1].values.count).map(Double.init))
      return Twin(Twin.broadcast(inputs[0].shape, inputs[1].shape)) {
        mask[$0] != 0 ? inputs[0][$0] : inputs[1][$0]
      }
    },
  ]
}

// MARK: - What the rows above share

private func twinPermuted(_ x: Twin, _ order: [Int]) -> Twin {
  Twin(order.map { x.shape[$0] }) { index in
    var source = index
    for (axis, from) in order.enumerated() { source[from] = index[axis] }
    return x[source]
  }
}

private func permutedRow(
  _ variant: String, _ order: @escaping @Sendable (_ rank: Int) -> [Int]
) -> OperationCheck {
  OperationCheck(
    "permuted([Int])", variant, on: InputShapes.matrices, large: [[[30, 40, 50]]],
    { $0[0].permuted(order($0[0].rank)) }, twin: { twinPermuted($0[0], order($0[0].rank)) })
}

private func flippedRow(_ variant: String, _ axes: [Int]) -> OperationCheck {
  OperationCheck(
    "flipped([Int])", variant, on: InputShapes.rows, large: [[[30, 40, 50]]],
    { $0[0].flipped(axes) },
    twin: { inputs in
      let x = inputs[0]
      let reversed = axes.isEmpty ? Array(0..<x.rank) : axes.map { $0 < 0 ? $0 + x.rank : $0 }
      return Twin(x.shape) { index in
        x[index.enumerated().map { reversed.contains($0) ? x.shape[$0] - 1 - $1 : $1 }]
      }
    })
}

private func concatenatedRow(_ variant: String, axis: Int, on shapes: [[[Int]]]) -> OperationCheck {
  OperationCheck("concatenated([Tensor], axis:)", variant, on: shapes) {
    concatenated($0, axis: axis)
  } twin: {
    joined($0, axis: axis < 0 ? axis + $0[0].rank : axis)
  }
}

private func stackedRow(_ variant: String, axis: Int) -> OperationCheck {
  let shapes = [[[2, 3], [2, 3]], [[4], [4], [4]], [[], []], [[2, 1, 2]], [[1], [1]]]
  return OperationCheck("stacked([Tensor], axis:)", variant, on: shapes) {
    stacked($0, axis: axis)
  } twin: { inputs in
    let position = axis < 0 ? inputs[0].rank : axis
    var shape = inputs[0].shape
    shape.insert(1, at: position)
    return joined(inputs.map { $0.reshaped(shape) }, axis: position)
  }
}

private func joined(_ parts: [Twin], axis: Int) -> Twin {
  var shape = parts[0].shape
  shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
  return Twin(shape) { index in
    var (index, part) = (index, 0)
    while index[axis] >= parts[part].shape[axis] {
      index[axis] -= parts[part].shape[axis]
      part += 1
    }
    return parts[part][index]
  }
}

private func enlarged(_ shape: [Int]) -> [Int] { [2] + shape.map { $0 == 1 ? 3 : $0 } }

private func cropStarts(_ shape: [Int]) -> [Int] { shape.map { $0 > 2 ? 1 : 0 } }

private func repeatedIndices(_ count: Int) -> [Int] { [count - 1, 0, 0, count / 2] }

private func mask(_ count: Int) -> [Float] { (0..<count).map { $0 % 3 == 0 ? 2 : 0 } }
