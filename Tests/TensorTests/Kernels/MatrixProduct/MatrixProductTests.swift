import XCTest

@testable import Tensor

/// Random products against plain loops, gradients included.
final class MatrixProductTests: XCTestCase {
  func testMatrices() {
    var stream = RandomStream(seed: 301)
    for number in 0..<300 {
      let (m, k, n) = (size(&stream), size(&stream), size(&stream))
      check([m, k], [k, n], threads: 1 + number % 3, using: &stream)
    }
  }

  func testBatches() {
    var stream = RandomStream(seed: 302)
    for number in 0..<300 {
      let (m, k, n) = (size(&stream) % 9 + 1, size(&stream) % 9 + 1, size(&stream) % 9 + 1)
      let batch = [stream.integer(in: 1..<4), stream.integer(in: 1..<4)]
      let (left, right) = stream.choice([
        (batch, batch), (batch, []), ([], batch), ([batch[0], 1], [1, batch[1]]),
        (batch, [batch[1]]), ([1], batch),
      ])
      check(left + [m, k], right + [k, n], threads: 1 + number % 2, using: &stream)
    }
  }

  /// Beyond the size where a product is split over threads, along either side.
  func testSplitProducts() {
    var stream = RandomStream(seed: 303)
    for threads in [1, 2, 3] {
      check([301, 67], [67, 59], threads: threads, using: &stream)
      check([53, 71], [71, 307], threads: threads, using: &stream)
    }
  }

  func testNothingToAddUpOverGivesZeros() {
    let product = matmul(Tensor([], shape: [2, 0]), Tensor([], shape: [0, 3]))
    XCTAssertEqual(product.shape, [2, 3])
    XCTAssertEqual(product.scalars, [Float](repeating: 0, count: 6))
  }

  /// The selected kernels, whatever they are, give what a plain loop gives.
  func testCoreSelectionKeepsResults() {
    var stream = RandomStream(seed: 304)
    for size in [1, 16, 33, 64, 130] {
      let a = Tensor.normal([size, size], using: &stream)
      let b = Tensor.normal([size, size], using: &stream)
      XCTAssertLessThan(relativeError(matmul(a, b), Twin.matmul(Twin(a), Twin(b))), 1e-5)
    }
    XCTAssertFalse(BLAS.coreSelection.before.isEmpty)
    XCTAssertFalse(BLAS.coreSelection.after.isEmpty)
  }

  private func size(_ stream: inout RandomStream) -> Int { stream.choice([1, 2, 3, 5, 8, 17, 31]) }

  private func check(
    _ left: [Int], _ right: [Int], threads: Int, using stream: inout RandomStream
  ) {
    let a = Tensor.normal(TensorShape(left), using: &stream)
    let b = Tensor.normal(TensorShape(right), using: &stream)
    let expected = Twin.matmul(Twin(a), Twin(b))
    let weights = Tensor.normal(TensorShape(expected.shape), using: &stream)
    let leaves = [a.tracked, b.tracked]
    let (result, found) = Threads.with(threads) {
      let result = matmul(leaves[0], leaves[1])
      return (result, gradients(of: (result * weights).sum(), at: leaves))
    }
    // d/dA = g · Bᵀ and d/dB = Aᵀ · g, summed over the batch axes that were repeated.
    let g = Twin(weights)
    let dA = Twin.matmul(g, Twin(b).transposed()).summed(to: left)
    let dB = Twin.matmul(Twin(a).transposed(), g).summed(to: right)
    let errors = [
      relativeError(result, expected), relativeError(found[0], dA), relativeError(found[1], dB),
    ]
    XCTAssertLessThan(
      errors.max() ?? 0, 1e-5,
      "\(left) · \(right), \(threads) threads: value and gradients off by \(errors)")
  }
}

extension Twin {
  fileprivate func summed(to target: [Int]) -> Twin {
    var result = Twin(target) { _ in 0 }
    Twin.forEachIndex(of: shape) { result.values[result.position(of: $0)] += self[$0] }
    return result
  }
}
