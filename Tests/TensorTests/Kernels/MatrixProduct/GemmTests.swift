import XCTest

@testable import Tensor

/// Products in parts against plain loops, on both sides of the sizes where the parts change.
final class GemmTests: XCTestCase {
  func testEveryWayOfLying() { forEachISA { _ in checkEveryWayOfLying() } }

  private func checkEveryWayOfLying() {
    var stream = RandomStream(seed: 405)
    for (m, n, k) in [
      (1, 1, 1), (64, 17, 300), (65, 17, 300), (256, 70, 130), (257, 70, 130), (8, 130, 520),
      (53, 40, 1_031), (31, 1_030, 70), (29, 57, 70),
    ] {
      for (transposingA, transposingB, precision) in MatmulPrecision.available.flatMap({
        [(false, false, $0), (false, true, $0), (true, false, $0), (true, true, $0)]
      }) {
        // Three more columns than a product reads, and two more than it writes.
        let a = Tensor.normal(transposingA ? [k, m + 3] : [m, k + 3], using: &stream)
        let b = Tensor.normal(transposingB ? [n, k + 3] : [k, n + 3], using: &stream)
        let product = Twin.matmul(
          read(a, isTransposed: transposingA).rounded(to: precision),
          read(b, isTransposed: transposingB).rounded(to: precision))
        for accumulating in [false, true] {
          let found = Tensor([m, n + 2]) { out in
            out.update(repeating: 9, count: m * (n + 2))
            gemm(
              view(a, isTransposed: transposingA), view(b, isTransposed: transposingB), precision,
              accumulating: accumulating, into: MatrixDestination(out, stride: n + 2))
          }
          let before = accumulating ? 9.0 : 0
          let expected = Twin([m, n + 2]) { $0[1] < n ? product[$0] + before : 9 }
          XCTAssertLessThan(
            relativeError(found, expected), 1e-5, "\(m), \(n), \(k), \(precision)")
        }
      }
    }
  }

  /// aᵀ · b, added to what is there.
  func testTransposedProduct() { forEachISA { _ in checkTransposedProduct() } }

  private func checkTransposedProduct() {
    var stream = RandomStream(seed: 402)
    for (k, m, n) in [
      (1, 1, 1), (7, 3, 5), (65, 130, 257), (400, 70, 90), (40, 150, 300), (270, 129, 260),
      (33, 1_024, 30),
    ] {
      let a = Tensor.normal([k, m], using: &stream)
      let b = Tensor.normal([k, n], using: &stream)
      for (before, precision) in MatmulPrecision.available.flatMap({
        [(Float(0), $0), (Float(1), $0)]
      }) {
        var sum = Tensor.ones([m, n])
        sum.mutate { out in
          gemm(
            MatrixView(a).transposed, MatrixView(b), precision, accumulating: before == 1,
            into: MatrixDestination(out, stride: n))
        }
        let product = Twin.matmul(
          Twin(a).transposed().rounded(to: precision), Twin(b).rounded(to: precision))
        XCTAssertLessThan(
          relativeError(sum - before, product), 1e-5, "\(m), \(n), \(k), \(precision)")
      }
    }
  }

  /// No rows, no columns, no terms: values and gradients.
  func testNothing() {
    for (m, k, n) in [(0, 3, 2), (2, 3, 0), (2, 0, 3), (0, 0, 0)] {
      for batch in [[], [2]] {
        let a = Tensor.zeros(TensorShape(batch + [m, k])).tracked
        let b = Tensor.zeros(TensorShape(batch + [k, n])).tracked
        let found = gradients(of: matmul(a, b).sum(), at: [a, b])
        XCTAssertEqual(found.map(\.shape), [a.shape, b.shape])
      }
      let (x, weight) = (Tensor.zeros([m, k]).tracked, Tensor.zeros([n, k]).tracked)
      XCTAssertEqual(linear(x, weight).shape, [m, n])
      let found = gradients(of: linear(x, weight).sum(), at: [x, weight])
      XCTAssertEqual(found.map(\.scalars), [x.scalars, weight.scalars])
    }
  }

  /// All but the last three columns of a matrix in memory.
  private func view(_ x: Tensor, isTransposed: Bool) -> MatrixView {
    let part = MatrixView(x).columns(0..<x.shape[1] - 3)
    return isTransposed ? part.transposed : part
  }

  /// What a product reads of a matrix.
  private func read(_ x: Tensor, isTransposed: Bool) -> Twin {
    let part = Twin(croppedCopy(of: x, at: [0, 0], shape: [x.shape[0], x.shape[1] - 3]))
    return isTransposed ? part.transposed() : part
  }
}
