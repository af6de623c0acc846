import Foundation

/// eˣ over its sum, along one axis.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  alongLast(x, axis: axis) { x in
    let (y, last) = (mapped(logSoftmaxRows(x)) { $0.each { expf($0) } }, [x.rank - 1])
    return y.recorded(from: [x], operation: "softmax", as: .softmax) { gradient, _ in
      let product = gradient * y
      return [product - y * reduced(product, over: last, .sum)]  // y · (g - Σ g · y)
    }
  }
}

/// The logarithm of the softmax along one axis, without overflow.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  alongLast(x, axis: axis) { x in
    let (y, last) = (logSoftmaxRows(x), [x.rank - 1])
    return y.recorded(from: [x], operation: "logSoftmax", as: .logSoftmax) { gradient, _ in
      let total = reduced(gradient, over: last, .sum)
      return [gradient - mapped(y) { $0.each { expf($0) } } * total]  // g - softmax(x) · Σ g
    }
  }
}

/// The mean over rows of the negative log-probability that `logits` give to each row's label.
///
/// - Parameters:
///   - logits: A tensor of shape [count, classes].
///   - labels: A class in `0..<classes` for each row.
/// - Returns: A scalar.
public func crossEntropy(_ logits: Tensor, _ labels: [Int]) -> Tensor {
  precondition(
    logits.rank == 2 && logits.shape[0] == labels.count && !labels.isEmpty,
    "crossEntropy needs logits [count, classes] and a label for each row; got shape \(logits.shape) "
      + "and \(labels.count) labels")
  precondition(
    labels.allSatisfy { $0 >= 0 && $0 < logits.shape[1] },
    "crossEntropy needs labels in 0..<\(logits.shape[1]); got "
      + "\(labels.first { $0 < 0 || $0 >= logits.shape[1] } ?? 0)")
  let (count, classes) = (labels.count, logits.shape[1])
  let logProbabilities = logSoftmaxRows(logits)
  let total = logProbabilities.withUnsafeBufferPointer { values in
    labels.enumerated().reduce(0.0) { $0 - Double(values[$1.offset * classes + $1.element]) }
  }
  return Tensor(Float(total / Double(count))).recorded(from: [logits]) { gradient, _ in
    let difference =
      mapped(logProbabilities) { $0.each { expf($0) } } - Tensor.oneHot(labels, classCount: classes)
    return [difference * (gradient.item / Float(count))]  // g · (softmax - one-hot) / count
  }
}

/// The mean over rows of the cross-entropy between `probabilities` and those that `logits` give.
///
/// - Parameters:
///   - logits: A tensor of shape [count, classes].
///   - probabilities: Target distributions of the same shape.
/// - Returns: A scalar.
public func crossEntropy(_ logits: Tensor, probabilities: Tensor) -> Tensor {
  precondition(
    logits.rank == 2 && logits.shape == probabilities.shape,
    "crossEntropy needs logits and probabilities of one shape [count, classes]; got "
      + "\(logits.shape) and \(probabilities.shape)")
  return -(probabilities * logSoftmax(logits)).sum() / Float(logits.shape[0])
}

/// `body` on a tensor whose axis `axis` is the last one.
private func alongLast(_ x: Tensor, axis: Int, _ body: (Tensor) -> Tensor) -> Tensor {
  let axis = x.shape.normalized(axis: axis)
  guard axis != x.rank - 1 else { return body(x) }
  var order = Array(0..<x.rank)
  order.swapAt(axis, x.rank - 1)
  return body(x.permuted(order)).permuted(order)
}
