import XCTest

@testable import Tensor

/// A convolution normalizes images as it reads them, in both passes.
final class KeptTensorTests: XCTestCase {
  /// The gradients have the bits of those of a copy, which is kept, with any activation and kernel.
  func testGradientsHaveTheSameBits() {
    for (activation, side) in [(Activation.relu, 3), (.identity, 3), (.relu, 1)] {
      let parts = Network(side: side, activation)
      XCTAssertEqual(
        parts.gradientBits { $0 }, parts.gradientBits { $0 + 0 }, "\(activation), \(side)")
    }
  }

  /// The result is never written: neither for the convolution nor for its reverse pass.
  func testMemory() {
    let parts = Network(side: 3, .relu)
    func bytes(_ pass: (Tensor) -> Tensor) -> Int {
      let before = Memory.usage.liveBytes
      return withExtendedLifetime(parts.result(pass)) { Memory.usage.liveBytes - before }
    }
    let size = parts.images.elementCount * MemoryLayout<Float>.size
    XCTAssertEqual(bytes { $0 + 0 } - bytes { $0 }, size, accuracy: size / 8)
    let output = parts.normalized()
    XCTAssertFalse(output.storage.isWritten)
    withExtendedLifetime(parts.result { _ in output }) {}
    XCTAssertFalse(output.storage.isWritten)
  }

  /// What somebody reads is written, once, for all that share it.
  func testWhatIsRead() {
    let output = Network(side: 1, .relu).normalized()
    let (shared, part) = (output.reshaped([-1, 16]), output[3..<6])
    let sum = output.sum().item
    XCTAssertTrue(shared.storage.isWritten)
    XCTAssertEqual(shared.sum().item, sum, accuracy: 1e-3 * sum)
    XCTAssertEqual(part.scalars, Array(output.scalars[(3 * 64 * 64 * 16)..<(6 * 64 * 64 * 16)]))
    XCTAssertEqual(output.numbers.address, shared.numbers.address)
    // What was written and is small is not made again.
    let small = batchNorm(Tensor.ones([2, 4, 4, 8]).tracked, activation: .relu).output
    guard case .deferred = small.kept else { return XCTFail("what nobody read is kept") }
    XCTAssertEqual(small.sum().item, 0)
    guard case .stored = small.kept else { return XCTFail("what was written is thrown away") }
    guard case .deferred = output.kept else { return XCTFail("much memory is kept") }
  }

  /// What a kernel reads as numbers is written once, not by each of its threads for itself: depthwise
  /// convolutions, convolutions of few channels, and residuals of fused ones.
  func testThreadsShareWhatIsWritten() {
    var stream = RandomStream(seed: 72)
    // Enough to be made again for the reverse pass, and much more than the rooms of eight threads.
    let images = Tensor.normal([32, 128, 128, 4], using: &stream)
    XCTAssertGreaterThanOrEqual(images.elementCount, Tuning.leastRecomputed)
    let size = images.elementCount * MemoryLayout<Float>.size
    for groups in [1, 4] {
      let weight = Tensor.normal([16, 3, 3, 4 / groups], using: &stream)
      func taken(threads: Int) -> Int {
        Threads.with(threads) {
          Memory.releaseUnused()
          let output = batchNorm(images.tracked, activation: .relu).output
          let result = convolution(
            output, (groups == 1 ? weight : weight[0..<4]).tracked, padding: 1, groups: groups)
          square(result).sum().backward()
          let usage = Memory.usage
          return usage.liveBytes + usage.keptBytes
        }
      }
      let alone = taken(threads: 1)
      for threads in [2, 8, 8] {
        XCTAssertLessThan(taken(threads: threads) - alone, size / 2, "\(groups), \(threads)")
      }
    }
  }

  /// Results of a residual sum are written: its second part may be gone. So are those of vectors,
  /// which no convolution reads.
  func testWhatIsWritten() {
    let images = Network(side: 1, .relu).images.tracked
    XCTAssertTrue(batchNorm(images, residual: images).output.storage.isWritten)
    XCTAssertTrue(batchNorm(Tensor.ones([4, 8]).tracked).output.storage.isWritten)
  }

  /// A convolution of part of the images, or of another shape of them, reads what is written.
  func testPartsOfTheImages() {
    let parts = Network(side: 1, .relu)
    let output = parts.normalized()
    let copy = output.detached + 0
    for pass in [{ $0[2..<7] }, { $0.reshaped([4, 128, 128, 16]) }] as [(Tensor) -> Tensor] {
      XCTAssertEqual(
        parts.result { _ in pass(output) }.scalars, parts.result { _ in pass(copy) }.scalars)
    }
  }

  /// Numbers that change are no longer those that would be computed again.
  func testWriting() {
    var output = Network(side: 1, .identity).normalized().detached
    let before = output.scalars
    output.mutate { $0[0] = 7 }
    XCTAssertNil(output.storage.normalization)
    guard case .stored = output.kept else { return XCTFail("what was written is computed again") }
    XCTAssertEqual(output.scalars, [7] + before[1...])
    var unread = Network(side: 1, .identity).normalized().detached
    unread.mutate { $0[0] = 7 }
    XCTAssertEqual(unread.scalars, [7] + before[1...])
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
    convolution(
      pass(normalized(images)), weight ?? self.weight.tracked, padding: self.weight.shape[1] / 2)
  }

  func normalized(_ images: Tensor? = nil) -> Tensor {
    batchNorm(images ?? self.images.tracked, activation: activation).output
  }

  func gradientBits(_ pass: (Tensor) -> Tensor) -> [[UInt32]] {
    let (images, weight) = (images.tracked, weight.tracked)
    let loss = square(result(pass, images: images, weight: weight)).sum()
    return gradients(of: loss, at: [images, weight]).map { $0.scalars.map(\.bitPattern) }
  }
}
