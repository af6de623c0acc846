import Tensor
import XCTest

/// Random windows against plain loops, gradients included.
final class PoolingWindowsTests: XCTestCase {
  func testMaxPools() {
    var stream = RandomStream(seed: 201)
    for number in 0..<300 {
      let windows = stream.windows()
      let images = Draw.distinct.inputs([windows.images], using: &stream)[0]
      check(images, windows, threads: 1 + number % 2, using: &stream) {
        maxPool($0, window: windows.window, stride: windows.stride, padding: windows.padding)
      } value: {
        $0.max() ?? .nan
      } share: { values, index in
        values[index] == values.max() ? 1 : 0
      }
    }
  }

  func testAveragePools() {
    var stream = RandomStream(seed: 202)
    for number in 0..<300 {
      let windows = stream.windows()
      let area = Double(windows.window.height * windows.window.width)
      let images = Tensor.normal(TensorShape(windows.images), using: &stream)
      check(images, windows, threads: 1 + number % 2, using: &stream) {
        averagePool($0, window: windows.window, stride: windows.stride, padding: windows.padding)
      } value: {
        $0.reduce(0, +) / area
      } share: { _, _ in
        1 / area
      }
    }
  }

  func testTheFirstOfEqualsTakesTheGradient() {
    let images = Tensor.ones([1, 2, 2, 1]).tracked
    let gradient = gradients(of: maxPool(images, window: 2).sum(), at: [images])[0]
    XCTAssertEqual(gradient.scalars, [1, 0, 0, 0])
  }

  /// `value` gives the result for the values of one window, `share` how much of a result's gradient
  /// goes to the value at a place in its window.
  private func check(
    _ images: Tensor, _ windows: PoolingWindows, threads: Int, using stream: inout RandomStream,
    _ pool: (Tensor) -> Tensor, value: ([Double]) -> Double, share: ([Double], Int) -> Double
  ) {
    let twin = Twin(images)
    let weights = Tensor.normal(TensorShape(windows.result), using: &stream)
    let (leaf, gradient) = (images.tracked, Twin(weights))
    let (result, found) = Threads.with(threads) {
      let result = pool(leaf)
      return (result, gradients(of: (result * weights).sum(), at: [leaf])[0])
    }
    var derivative = twin.map { _ in 0 }
    let expected = Twin(windows.result) { index in
      let positions = windows.positions(at: index)
      let values = positions.map { twin.values[$0] }
      for (place, position) in positions.enumerated() {
        derivative.values[position] += gradient[index] * share(values, place)
      }
      return value(values)
    }
    let errors = [relativeError(result, expected), relativeError(found, derivative)]
    XCTAssertLessThan(
      errors.max() ?? 0, 1e-5, "\(windows), \(threads) threads: value and gradient off by \(errors)"
    )
  }
}
