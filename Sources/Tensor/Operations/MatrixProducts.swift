/// The matrix product of `a` and `b`.
///
/// - Parameters:
///   - a: A tensor of shape [m, k], or a batch of shape [..., m, k].
///   - b: A tensor of shape [k, n], or a batch of shape [..., k, n].
/// - Returns: A tensor of shape [m, n], or [..., m, n]; leading axes broadcast.
/// - Precondition: The inner dimensions agree.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(
    a.rank >= 2 && b.rank >= 2 && a.shape[a.rank - 1] == b.shape[b.rank - 2],
    "matmul needs shapes [m, k] and [k, n], or batches of them; got \(a.shape) and \(b.shape)")
  if a.rank == 2, b.rank == 2 {
    let options = ComputeOptions.current
    let precision = options.precision(m: a.shape[0], n: b.shape[1], k: a.shape[1])
    return gemm(a, b, precision).recorded(from: [a, b], as: .matmul, options) {
      gradient, wanted, _ in
      [
        wanted[0] ? gemm(gradient, b, transposingB: true, precision) : nil,  // dA = dC · Bᵀ
        wanted[1] ? gemm(a, gradient, transposingA: true, precision) : nil,  // dB = Aᵀ · dC
      ]
    }
  }
  if b.rank == 2 {
    let rows = a.reshaped([-1, a.shape[a.rank - 1]])
    return matmul(rows, b).reshaped(a.shape.dimensions.dropLast() + [b.shape[1]])
      .traced(from: [a, b], as: .matmul)
  }
  return batchedMatmul(a, b).traced(from: [a, b], as: .matmul)
}

/// The product of two batches of matrices whose leading axes broadcast.
private func batchedMatmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  let leading = TensorShape(Array(a.shape.dimensions.dropLast(2)))
    .broadcast(with: TensorShape(Array(b.shape.dimensions.dropLast(2))), operation: "matmul")
  func flat(_ x: Tensor) -> Tensor {
    let matrix = Array(x.shape.dimensions.suffix(2))
    return x.broadcast(to: TensorShape(leading.dimensions + matrix))
      .reshaped(TensorShape([leading.elementCount] + matrix))
  }
  let (x, y) = (flat(a), flat(b))
  let options = ComputeOptions.current
  let precision = options.precision(m: x.shape[1], n: y.shape[2], k: x.shape[2])
  let product = batchedGemm(x, y, precision).recorded(from: [x, y], operation: "matmul", options) {
    gradient, wanted, _ in
    [
      wanted[0] ? batchedGemm(gradient, y, transposingB: true, precision) : nil,  // dA = dC · Bᵀ
      wanted[1] ? batchedGemm(x, gradient, transposingA: true, precision) : nil,  // dB = Aᵀ · dC
    ]
  }
  return product.reshaped(TensorShape(leading.dimensions + product.shape.dimensions.suffix(2)))
}

/// x · Wᵀ + b, the linear layer.
///
/// - Parameters:
///   - x: A tensor of shape [..., inputs].
///   - weight: A tensor of shape [outputs, inputs].
///   - bias: A tensor of shape [outputs].
/// - Returns: A tensor of shape [..., outputs].
public func linear(_ x: Tensor, _ weight: Tensor, bias: Tensor? = nil) -> Tensor {
  precondition(
    x.rank >= 1 && weight.rank == 2 && x.shape.last == weight.shape[1],
    "linear needs inputs [..., \(weight.shape.last ?? 0)] for a weight of shape \(weight.shape); "
      + "got \(x.shape)")
  precondition(
    bias == nil || bias?.shape == [weight.shape[0]],
    "linear needs a bias of shape [\(weight.shape[0])]; got \(bias?.shape ?? [])")
  let rows = x.reshaped([x.shape.elementCount(0..<x.rank - 1), weight.shape[1]])
  let options = ComputeOptions.current
  let precision = options.precision(m: rows.shape[0], n: weight.shape[0], k: weight.shape[1])
  let product = multiplyByWeight(rows, weight, precision).recorded(from: [rows, weight], options) {
    gradient, wanted, _ in
    [
      wanted[0] ? gemm(gradient, weight, precision) : nil,  // dX = dY · W
      wanted[1] ? gemm(gradient, rows, transposingA: true, precision) : nil,  // dW = dYᵀ · X
    ]
  }
  let result = bias.map { product + $0 } ?? product
  let shaped =
    x.rank == 2
    ? result : result.reshaped(Array(x.shape.dimensions.dropLast()) + [weight.shape[0]])
  return shaped.traced(from: [x, weight] + (bias.map { [$0] } ?? []), as: .linear)
}

/// The eigenvalues of a symmetric matrix, in ascending order; no gradient flows.
///
/// - Parameter matrix: A tensor of shape [size, size]. Only the lower triangle is read.
/// - Returns: `size` numbers.
/// - Precondition: The matrix is square and its numbers are finite.
public func symmetricEigenvalues(_ matrix: Tensor) -> [Float] {
  precondition(
    matrix.rank == 2 && matrix.shape[0] == matrix.shape[1],
    "symmetricEigenvalues needs a square matrix; got \(matrix.shape)")
  var scalars = matrix.scalars
  return BLAS.symmetricEigenvalues(of: &scalars, size: matrix.shape[0])
}
