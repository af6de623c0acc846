import Tensor

/// Features along the directions in which they vary most.
public struct PrincipalComponents: Sendable {
  /// The features less their mean, along each direction, of shape [count of rows, components].
  public let scores: Tensor
  /// The directions, orthonormal, of shape [components, width]; the largest number of each is above
  /// zero.
  public let directions: Tensor
  /// The variance along each direction, with the count of rows less one below the line, the largest
  /// first.
  public let variances: [Float]
  /// The share of all variance that each direction has; zeros if there is none.
  public let shares: [Float]
}

/// The directions in which features vary most.
///
/// They are found by subspace iteration: a few directions more than are asked for are multiplied by
/// the covariance and made orthonormal again, until the variances stand still. No matrix of all
/// widths or of all rows is made.
///
/// - Parameters:
///   - features: A tensor of shape [count, width].
///   - count: How many directions, at most the width.
/// - Returns: The features along them, the directions, and their variances.
/// - Precondition: There are two rows or more, and the features are finite.
public func principalComponents(_ features: Tensor, count: Int) -> PrincipalComponents {
  precondition(
    features.rank == 2 && features.shape[0] > 1 && count >= 1 && count <= features.shape[1],
    "principalComponents needs features [count, width] of 2 rows or more and a count in 1...width; "
      + "got shape \(features.shape) and \(count)")
  checkFinite(features, "principalComponents")
  let (rows, width) = (features.shape[0], features.shape[1])
  return withoutGradients {
    withMatmulPrecision(.float32) {
      let centered = features.detached - features.detached.mean(axes: [0])
      var basis = Basis(width: width, count: min(width, count + Basis.spare))
      var (values, former) = ([Double](), [Double]())
      repeat {
        former = values
        values = basis.iterate(centered)
      } while !Basis.standsStill(values, former, count) && basis.iterations < Basis.mostIterations
      let directions = Tensor(basis.vectors.prefix(count).flatMap { $0.map { Float($0) } })
        .reshaped([count, width])
      let total = (centered * centered).sum().item
      return PrincipalComponents(
        scores: linear(centered, directions), directions: directions,
        variances: values.prefix(count).map { Float(max(0, $0) / Double(rows - 1)) },
        shares: values.prefix(count).map { total > 0 ? Float(max(0, $0) / Double(total)) : 0 })
    }
  }
}

/// Orthonormal directions that turn towards those of the largest variance.
private struct Basis {
  /// Directions beside those asked for, which make the iteration converge faster.
  static let spare = 8
  static let mostIterations = 300

  /// The largest variance first, once there was an iteration.
  private(set) var vectors: [[Double]]
  private(set) var iterations = 0

  init(width: Int, count: Int) {
    var stream = RandomStream(seed: 0)
    let numbers = Tensor.normal([count, width], using: &stream).scalars.map(Double.init)
    vectors = (0..<count).map { Array(numbers[$0 * width..<($0 + 1) * width]) }
    makeOrthonormal()
  }

  /// Multiplies by the scatter of the rows, and turns to its axes within the subspace.
  ///
  /// - Returns: The sums of squares along the directions, the largest first.
  mutating func iterate(_ rows: Tensor) -> [Double] {
    iterations += 1
    let (count, width) = (vectors.count, rows.shape[1])
    let directions = Tensor(vectors.flatMap { $0.map { Float($0) } }).reshaped([count, width])
    // scores[rows, count], then images[count, width] = scoresᵀ · rows
    let scores = linear(rows, directions)
    let images = matmul(scores.transposed(), rows).scalars.map(Double.init)
    let moved = (0..<count).map { Array(images[$0 * width..<($0 + 1) * width]) }
    let within = vectors.map { one in moved.map { dot(one, $0) } }
    let (values, turn) = eigenvectors(of: within)
    vectors = turn.map { weights in
      zip(weights, moved).reduce(into: [Double](repeating: 0, count: width)) { sum, part in
        for index in sum.indices { sum[index] += part.0 * part.1[index] }
      }
    }
    makeOrthonormal()
    return values
  }

  /// Whether the first values no longer move by more than `Float` can tell.
  static func standsStill(_ values: [Double], _ former: [Double], _ count: Int) -> Bool {
    guard former.count == values.count, let largest = values.first else { return false }
    return zip(values, former).prefix(count).allSatisfy { abs($0 - $1) <= 1e-8 * largest }
  }

  /// Gram and Schmidt's way, twice, which is enough for rounding.
  private mutating func makeOrthonormal() {
    for index in vectors.indices {
      for _ in 0..<2 {
        for other in 0..<index {
          let share = dot(vectors[index], vectors[other])
          for place in vectors[index].indices {
            vectors[index][place] -= share * vectors[other][place]
          }
        }
      }
      let length = dot(vectors[index], vectors[index]).squareRoot()
      // A direction without variance: any other one, which the next iteration would not move either.
      guard length > 1e-200 else {
        vectors[index] = direction(besides: index)
        continue
      }
      let peak = vectors[index].max { abs($0) < abs($1) } ?? 1
      let scale = (peak < 0 ? -1 : 1) / length
      for place in vectors[index].indices { vectors[index][place] *= scale }
    }
  }

  /// A unit vector that is orthogonal to those before `index`.
  private func direction(besides index: Int) -> [Double] {
    let width = vectors[index].count
    let candidates = (0..<width).map { axis -> (axis: Int, left: Double) in
      (axis, 1 - vectors[..<index].reduce(0) { $0 + $1[axis] * $1[axis] })
    }
    let axis = candidates.max { $0.left < $1.left }?.axis ?? 0
    var vector = [Double](repeating: 0, count: width)
    vector[axis] = 1
    for _ in 0..<2 {
      for other in vectors[..<index] {
        let share = dot(vector, other)
        for place in vector.indices { vector[place] -= share * other[place] }
      }
    }
    let length = dot(vector, vector).squareRoot()
    return vector.map { $0 / length }
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in a.indices { sum += a[index] * b[index] }
  return sum
}

/// The eigenvalues of a small symmetric matrix, the largest first, and a unit vector of each: by
/// Jacobi's rotations.
private func eigenvectors(of matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
  var a = matrix
  let size = matrix.count
  var vectors = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0 } }
  for row in 0..<size {
    for column in 0..<row {
      a[row][column] = (matrix[row][column] + matrix[column][row]) / 2
      a[column][row] = a[row][column]
    }
  }
  let scale = a.joined().map(abs).max() ?? 0
  for _ in 0..<60 {
    var largest = 0.0
    for p in 0..<size {
      for q in p + 1..<max(size, p + 1) where a[p][q] != 0 {
        largest = max(largest, abs(a[p][q]))
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for index in 0..<size {
          let (ip, iq) = (a[index][p], a[index][q])
          (a[index][p], a[index][q]) = (cosine * ip - sine * iq, sine * ip + cosine * iq)
        }
        for index in 0..<size {
          let (pi, qi) = (a[p][index], a[q][index])
          (a[p][index], a[q][index]) = (cosine * pi - sine * qi, sine * pi + cosine * qi)
          let (vp, vq) = (vectors[p][index], vectors[q][index])
          (vectors[p][index], vectors[q][index]) = (
            cosine * vp - sine * vq, sine * vp + cosine * vq
          )
        }
      }
    }
    if largest <= 1e-15 * scale { break }
  }
  let order = a.indices.sorted { a[$0][$0] > a[$1][$1] }
  return (order.map { a[$0][$0] }, order.map { vectors[$0] })
}
