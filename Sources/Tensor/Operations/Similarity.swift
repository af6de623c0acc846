/// Each vector along `axis` divided by its length, or by `epsilon` if that is larger.
///
/// x / max(‖x‖, ε), as torch's `normalize`.
public func l2Normalized(_ x: Tensor, axis: Int = -1, epsilon: Float = 1e-12) -> Tensor {
  let axis = x.shape.normalized(axis: axis)
  let squares = reduced(mapped(x) { $0.each { $0 * $0 } }, over: [axis], .sum)
  let length = mapped(squares) { $0.each { max($0.squareRoot(), epsilon) } }
  let y = x.detached / length
  return y.recorded(from: [x], as: .l2Normalize(axis: axis, epsilon: epsilon)) { gradient, _ in
    // (g - y · Σ g · y) / ‖x‖; below epsilon the length is a constant.
    let along = reduced(gradient * y, over: [axis], .sum)
    let counted = zipped(along, length) { $0.each { $1 > epsilon ? $0 : 0 } }
    return [(gradient - y * counted) / length]
  }
}

/// The cosine of the angle between the vectors of `a` and `b` along `axis`, in -1...1.
///
/// - Parameters:
///   - a: A tensor of any shape.
///   - b: A tensor of the same shape, or one that broadcasts with it.
///   - axis: The axis of the vectors, which goes.
/// - Returns: One number for each pair of vectors.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor, axis: Int = -1) -> Tensor {
  (l2Normalized(a, axis: axis) * l2Normalized(b, axis: axis)).sum(axes: [axis])
}
