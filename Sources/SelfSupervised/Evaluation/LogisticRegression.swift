import Tensor

/// The classifier that judges representations by few labels: multinomial logistic regression,
/// fitted to its minimum.
///
/// It minimizes  mean cross entropy + ‖W‖² / (2 · C · count)  over weights and biases, of which the
/// biases are not penalized: scikit-learn's `LogisticRegression`, with its defaults.
public struct LogisticRegression: Sendable {
  /// How many classes there are.
  public let classCount: Int
  /// [classes, width]
  private let weight: Tensor
  /// [classes]
  private let bias: Tensor

  /// Fits a classifier by L-BFGS.
  ///
  /// - Parameters:
  ///   - features: A tensor of shape [count, width]; of about deviation 1, for the penalty is one on
  ///     the weights.
  ///   - labels: A class for each row.
  ///   - inverseRegularization: C.
  ///   - mostIterations: How many steps the fit takes at most.
  ///   - tolerance: The greatest number of the gradient at which the fit ends.
  public init(
    _ features: Tensor, labels: [Int], inverseRegularization: Float = 1,
    mostIterations: Int = 1_000, tolerance: Float = 1e-4
  ) {
    precondition(
      features.rank == 2 && features.shape[0] == labels.count && !labels.isEmpty
        && labels.allSatisfy { $0 >= 0 } && inverseRegularization > 0,
      "LogisticRegression needs features [count, width], a label of zero or more for each and a C "
        + "above zero; got shape \(features.shape), \(labels.count) labels and "
        + "\(inverseRegularization)")
    checkFinite(features, "LogisticRegression")
    let classCount = (labels.max() ?? 0) + 1
    let rows = Self.withOnes(features.detached)
    let width = rows.shape[1]
    let penalty = 1 / (inverseRegularization * Float(labels.count))
    let fit = Minimum(
      from: [Float](repeating: 0, count: classCount * width), mostIterations: mostIterations,
      tolerance: tolerance
    ) { point in
      Self.loss(
        Tensor(point, shape: [classCount, width]), rows: rows, labels: labels, penalty: penalty)
    }
    self.classCount = classCount
    // The last column has the biases.
    let fitted = Tensor(fit.point, shape: [classCount, width])
    weight = fitted.cropped(at: [0, 0], shape: [classCount, width - 1])
    bias = fitted.cropped(at: [0, width - 1], shape: [classCount, 1]).flattened()
  }

  /// The class of each row of `features` [count, width].
  public func predict(_ features: Tensor) -> [Int] { logits(features).argmax() }

  /// How probable each class is of each row of `features` [count, width], in the order of classes.
  ///
  /// - Returns: Shape [count, classes]; the numbers of a row add up to 1. Of few labels they are too
  ///   sure.
  public func probabilities(_ features: Tensor) -> Tensor { softmax(logits(features)) }

  private func logits(_ features: Tensor) -> Tensor {
    precondition(
      features.rank == 2 && features.shape[1] == weight.shape[1],
      "LogisticRegression needs features of width \(weight.shape[1]); got \(features.shape)")
    return withMatmulPrecision(.float32) { linear(features.detached, weight, bias: bias) }
  }

  /// The share of `features` whose class is right.
  public func accuracy(_ features: Tensor, labels: [Int]) -> Float {
    shareOfRight(predict(features), labels)
  }

  /// features [count, width] with a column of ones, whose weights are the biases
  private static func withOnes(_ features: Tensor) -> Tensor {
    concatenated([features, Tensor.ones([features.shape[0], 1])], axis: 1)
  }

  /// The loss at a weight and its gradient, row after row.
  private static func loss(
    _ weight: Tensor, rows: Tensor, labels: [Int], penalty: Float
  ) -> (value: Float, gradient: [Float]) {
    let (classCount, width) = (weight.shape[0], weight.shape[1])
    let logits = withMatmulPrecision(.float32) { linear(rows, weight) }
    var errors = softmax(logits).scalars
    let entropy = crossEntropy(logits, labels).item
    // d mean(cross entropy) / d logits = (softmax - one hot) / count
    for (row, label) in labels.enumerated() { errors[row * classCount + label] -= 1 }
    let error = Tensor(errors, shape: [labels.count, classCount]) / Float(labels.count)
    var gradient = withMatmulPrecision(.float32) { matmul(error.transposed(), rows) }.scalars
    var squares: Float = 0
    weight.withUnsafeBufferPointer { weight in
      for index in gradient.indices where index % width != width - 1 {
        gradient[index] += penalty * weight[index]
        squares += weight[index] * weight[index]
      }
    }
    return (entropy + penalty / 2 * squares, gradient)
  }
}

/// The minimum of a smooth convex function, by L-BFGS (Nocedal & Wright, algorithm 7.4).
private struct Minimum {
  private(set) var point: [Float]

  /// The last differences of points and gradients, and one over their product.
  private var memory: [(point: [Float], gradient: [Float], inverse: Float)] = []
  private static let memoryLength = 10
  /// Armijo's share of the slope by which a step must lower the value.
  private static let leastShare: Float = 1e-4

  init(
    from start: [Float], mostIterations: Int, tolerance: Float,
    _ function: ([Float]) -> (value: Float, gradient: [Float])
  ) {
    point = start
    var here = function(start)
    for _ in 0..<mostIterations where here.gradient.contains(where: { abs($0) > tolerance }) {
      let direction = direction(of: here.gradient)
      let slope = dot(direction, here.gradient)
      var step = memory.isEmpty ? 1 / max(1, dot(here.gradient, here.gradient).squareRoot()) : 1
      var next = (point: sum(point, direction, step), here: here)
      next.here = function(next.point)
      while next.here.value > here.value + Self.leastShare * step * slope, step > 1e-10 {
        step /= 2
        next.point = sum(point, direction, step)
        next.here = function(next.point)
      }
      guard next.here.value < here.value else { return }
      remember(sum(next.point, point, -1), sum(next.here.gradient, here.gradient, -1))
      (point, here) = next
    }
  }

  /// Minus the inverse of the approximated Hessian times the gradient: the two loops.
  private func direction(of gradient: [Float]) -> [Float] {
    var result = gradient.map { -$0 }
    var shares: [Float] = []
    for entry in memory.reversed() {
      let share = entry.inverse * dot(entry.point, result)
      shares.append(share)
      add(-share, entry.gradient, to: &result)
    }
    if let last = memory.last {
      let scale = 1 / (last.inverse * dot(last.gradient, last.gradient))
      result = result.map { $0 * scale }
    }
    for (entry, share) in zip(memory, shares.reversed()) {
      add(share - entry.inverse * dot(entry.gradient, result), entry.point, to: &result)
    }
    return result
  }

  private mutating func remember(_ point: [Float], _ gradient: [Float]) {
    let product = dot(point, gradient)
    guard product > 0 else { return }
    memory.append((point, gradient, 1 / product))
    if memory.count > Self.memoryLength { memory.removeFirst() }
  }
}

/// Eight sums at a time: one would wait for itself at each term.
private func dot(_ a: [Float], _ b: [Float]) -> Float {
  typealias Eight = SIMD8<Double>
  var (sums, rest, place) = (Eight.zero, 0.0, 0)
  while place + Eight.scalarCount <= a.count {
    let x = SIMD8<Float>(a[place..<place + Eight.scalarCount])
    let y = SIMD8<Float>(b[place..<place + Eight.scalarCount])
    sums += Eight(x) * Eight(y)
    place += Eight.scalarCount
  }
  for index in place..<a.count { rest += Double(a[index]) * Double(b[index]) }
  return Float(sums.sum() + rest)
}

/// a + factor · b
private func sum(_ a: [Float], _ b: [Float], _ factor: Float) -> [Float] {
  var result = a
  add(factor, b, to: &result)
  return result
}

/// result += factor · b
private func add(_ factor: Float, _ b: [Float], to result: inout [Float]) {
  for index in result.indices { result[index] += factor * b[index] }
}
