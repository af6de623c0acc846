import Tensor

// The two measures of the Keras example of NNCLR: no labels, no gradients. A network that knows
// nothing has one over the count, or one over the size, by chance.

/// How often the most similar row of the other view is the one of the same image, in 0...1.
///
/// By cosine, from the first views to the second ones and back.
///
/// - Parameters:
///   - first: Features of the first views, of shape [count, size].
///   - second: Features of the second views of the same images.
/// - Returns: The share of rows, of both directions together.
public func contrastiveAccuracy(_ first: Tensor, _ second: Tensor) -> Float {
  withoutGradients {
    diagonalShare(l2Normalized(first.detached), l2Normalized(second.detached).transposed())
  }
}

/// How often the feature of the other view that correlates most is the same feature, in 0...1: the
/// aim of Barlow Twins (Zbontar et al., 2021).
///
/// By Pearson's correlation over the batch, from the first views to the second ones and back. A
/// feature that does not vary correlates with nothing.
///
/// - Parameters:
///   - first: Features of the first views, of shape [count, size].
///   - second: Features of the second views of the same images.
/// - Returns: The share of features, of both directions together.
public func correlationAccuracy(_ first: Tensor, _ second: Tensor) -> Float {
  withoutGradients {
    // The product of centred columns of unit length is their correlation.
    let columns = [first, second].map { features in
      l2Normalized(
        features.detached - features.detached.mean(axes: [0], keepingAxes: true), axis: 0)
    }
    return diagonalShare(columns[0].transposed(), columns[1])
  }
}

/// The share of rows and columns of the square matrix a · b whose largest element is on the
/// diagonal.
private func diagonalShare(_ a: Tensor, _ b: Tensor) -> Float {
  let matrix = withMatmulPrecision(.float32) { matmul(a, b) }
  let winners = [matrix, matrix.transposed()].map { $0.argmax() }
  let right = winners.reduce(0) { $0 + $1.enumerated().count(where: { $0.offset == $0.element }) }
  return Float(right) / Float(2 * matrix.shape[0])
}
