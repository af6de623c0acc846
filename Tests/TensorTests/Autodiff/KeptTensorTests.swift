import XCTest

@testable import Tensor

/// What a normalization makes is computed again for the reverse pass of the convolution behind it.
final class KeptTensorTests: XCTestCase {
  /// The gradients have the bits of those of a copy, which is kept, with any activation and kernel.
  func testGradientsHaveTheSameBits() {
    for (activation, side) in [(Activation.relu, 3), (.identity, 3), (.relu, 1)] {
      let parts = Network(side: side, activation)
      XCTAssertEqual(
        parts.gradientBits { $0 }, parts.gradientBits { $0 + 0 }, "\(activation), \(side)")
    }
  }

  /// The result is gone as soon as nobody else holds it, and does not come back until it is read.
  func testMemory() {
    let parts = Network(side: 3, .relu)
    func bytes(_ pass: (Tensor) -> Tensor) -> Int {
      let before = Memory.usage.liveBytes
      return withExtendedLifetime(parts.result(pass)) { Memory.usage.liveBytes - before }
    }
    let size = parts.images.elementCount * MemoryLayout<Float>.size
    XCTAssertEqual(bytes { $0 + 0 } - bytes { $0 }, size, accuracy: size / 8)
  }

  /// Small results are kept, and those of a residual sum, whose second part may be gone.
  func testWhatIsKept() {
    let small = Tensor([2, 4, 4, 8]) { $0.update(repeating: 1, count: 256) }.tracked
    XCTAssertNil(batchNorm(small).output.storage.recomputation)
    let large = Network(side: 1, .relu).images.tracked
    XCTAssertNotNil(batchNorm(large).output.storage.recomputation)
    XCTAssertNil(batchNorm(large, residual: large).output.storage.recomputation)
    XCTAssertNil(withoutGradients { batchNorm(large).output.storage.recomputation })
  }

  /// Numbers that change are no longer those that would be computed again.
  func testWriting() {
    var output = batchNorm(Network(side: 1, .identity).images.tracked).output.detached
    output.mutate { $0[0] = 7 }
    XCTAssertNil(output.storage.recomputation)
    guard case .stored = output.kept else { return XCTFail("what was written is computed again") }
  }
}

/// A normalization and a convolution of enough numbers.
private struct Network {
  let images: Tensor
  private let weight: Tensor
  private let activation: Activation

  init(side: Int, _ activation: Activation) {
    var stream = RandomStream(seed: 71)
    images = .normal([16, 64, 64, 16], using: &stream)
    weight = .normal([16, side, side, 16], using: &stream)
    self.activation = activation
  }

  /// What leaves the convolution, of images and a weight that are given or recorded anew.
  func result(
    _ pass: (Tensor) -> Tensor, images: Tensor? = nil, weight: Tensor? = nil
  ) -> Tensor {
    let normalized = batchNorm(images ?? self.images.tracked, activation: activation).output
    return convolution(
      pass(normalized), weight ?? self.weight.tracked, padding: self.weight.shape[1] / 2)
  }

  func gradientBits(_ pass: (Tensor) -> Tensor) -> [[UInt32]] {
    let (images, weight) = (images.tracked, weight.tracked)
    let loss = square(result(pass, images: images, weight: weight)).sum()
    return gradients(of: loss, at: [images, weight]).map { $0.scalars.map(\.bitPattern) }
  }
}
