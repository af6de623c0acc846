import CTensorKernels
import XCTest

@testable import Tensor

/// Operations on numbers that are carried in 16 bits: they compute what they do of the same numbers as
/// floats, and round what they make once.
final class CarriedNumbersTests: XCTestCase {
  private var stream = RandomStream(seed: 611)

  private func normal(_ shape: TensorShape) -> Tensor { .normal(shape, using: &stream) }

  private func rounded(_ x: Tensor) -> [Float] {
    Twin(x).rounded(to: .bfloat16).values.map { Float($0) }
  }

  /// An operation's results and the gradients of its inputs for a random gradient of the result.
  private func all(
    _ inputs: [Tensor], _ gradient: Tensor, _ operation: ([Tensor]) -> Tensor
  ) -> [Tensor] {
    let leaves = inputs.map(\.tracked)
    let result = operation(leaves)
    return [result.detached] + gradients(of: (result * gradient).sum(), at: leaves)
  }

  /// Bits of results and gradients: those of 16 bits are the others' rounded.
  private func check(
    _ name: String, _ inputs: [Tensor], carried: Int, line: UInt = #line,
    _ operation: ([Tensor]) -> Tensor
  ) {
    let halves = inputs.enumerated().map { $0 < carried ? $1.inFormat(.bfloat16) : $1 }
    let floats = halves.map { $0.inFormat(.float32) }
    // A gradient of 16 bits, so that its own rounding is no difference.
    let gradient = normal(operation(floats).shape).inFormat(.bfloat16)
    let (found, expected) = (all(halves, gradient, operation), all(floats, gradient, operation))
    for (index, (found, expected)) in zip(found, expected).enumerated() {
      let (isCarried, name) = (index <= carried, "\(name), \(index)")
      XCTAssertEqual(found.format, isCarried ? .bfloat16 : .float32, name, line: line)
      XCTAssertEqual(
        found.scalars, isCarried ? rounded(expected) : expected.scalars, name, line: line)
    }
  }

  func testNormalizations() {
    forEachISA { isa in
      for channels in [8, 13, 64] {
        let x = [normal([6, 5, 5, channels]) + 1, normal([channels]), normal([channels])]
        check("batchNorm, \(isa)", x, carried: 1) {
          batchNorm($0[0], scale: $0[1], bias: $0[2], activation: .relu).output
        }
        check("parts, \(isa)", x, carried: 1) {
          batchNorm($0[0], parts: 2, scale: $0[1], bias: $0[2]).output
        }
        check("groupNorm, \(isa)", x, carried: 1) {
          groupNorm($0[0], groups: channels % 4 == 0 ? 4 : 1, scale: $0[1], bias: $0[2])
        }
        check("fixed, \(isa)", x, carried: 1) {
          batchNorm(
            $0[0], mean: .zeros([channels]), variance: .ones([channels]), scale: $0[1],
            bias: $0[2], activation: .relu)
        }
      }
    }
  }

  func testResiduals() {
    let x = [normal([6, 5, 5, 24]), normal([6, 5, 5, 24]), normal([24]), normal([24])]
    for activation in [Activation.identity, .relu] {
      check("residual, \(activation)", x, carried: 2) {
        batchNorm(
          $0[0], scale: $0[2], bias: $0[3], activation: activation, residual: $0[1]
        ).output
      }
    }
  }

  /// A residual of the other format is taken as one of the input's.
  func testResidualsOfTheOtherFormat() {
    let (x, residual) = (normal([6, 5, 5, 24]), normal([6, 5, 5, 24]))
    let halves = (x.inFormat(.bfloat16), residual.inFormat(.bfloat16))
    XCTAssertEqual(
      batchNorm(halves.0, residual: residual).output.scalars,
      batchNorm(halves.0, residual: halves.1).output.scalars)
    let mixed = batchNorm(x, residual: halves.1).output
    XCTAssertEqual(mixed.format, .float32)
    XCTAssertEqual(
      mixed.scalars, batchNorm(x, residual: halves.1.inFormat(.float32)).output.scalars)
  }

  func testMaxPooling() {
    for channels in [3, 8, 21] {
      check("maxPool of \(channels)", [normal([2, 9, 8, channels])], carried: 1) {
        maxPool($0[0], window: 3, stride: 2, padding: 1)
      }
    }
    var x = normal([1, 4, 4, 8])
    x.mutate { $0[40] = -.nan }
    let found = maxPool(x.inFormat(.bfloat16), window: 2).scalars
    XCTAssertEqual(found.indices.filter { found[$0].isNaN }, [0])
  }

  /// Products of numbers of 16 bits round nothing: sums have the same bits, but where Winograd's
  /// blocks differ.
  func testConvolutions() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    checkConvolution("1x1", [2, 5, 5, 24], [70, 1, 1, 24]) { convolution($0, $1) }
    checkConvolution("odd channels", [2, 5, 5, 25], [71, 1, 1, 25]) { convolution($0, $1) }
    checkConvolution("odd patches", [2, 9, 9, 3], [32, 3, 3, 3]) { convolution($0, $1, stride: 2) }
    checkConvolution("large weight", [2, 4, 4, 24], [520, 1, 1, 24]) { convolution($0, $1) }
    checkConvolution("large odd weight", [2, 6, 6, 3], [520, 3, 3, 3]) { convolution($0, $1) }
    checkConvolution("stride 2", [2, 9, 8, 16], [24, 3, 3, 16]) {
      convolution($0, $1, stride: 2, padding: 1)
    }
    checkConvolution("1x1, stride 2", [2, 9, 8, 16], [24, 1, 1, 16]) {
      convolution($0, $1, stride: 2)
    }
    checkConvolution("groups", [2, 6, 6, 8], [32, 3, 3, 4]) { convolution($0, $1, groups: 2) }
    for (side, count) in [(24, 8), (8, 20), (7, 40), (60, 1)] {
      for channels in [16, 64] {
        checkConvolution(
          "Winograd of \(side)", [count, side, side, channels], [channels, 3, 3, channels],
          weightError: 1e-5
        ) { convolution($0, $1, padding: 1) }
      }
    }
    // Few tiles and large weights: points over the threads.
    for channels in [56, 64] {
      checkConvolution(
        "by points", [3, 6, 6, channels], [channels, 3, 3, channels], weightError: 1e-5
      ) { convolution($0, $1, padding: 1) }
    }
  }

  /// Compares a convolution of images of 16 bits with that of the same numbers as floats.
  private func checkConvolution(
    _ name: String, _ images: TensorShape, _ weight: TensorShape, weightError: Double = 0,
    line: UInt = #line, _ operation: (Tensor, Tensor) -> Tensor
  ) {
    withMatmulPrecision(.bfloat16) {
      let x = [normal(images).inFormat(.bfloat16), normal(weight)]
      let floats = [x[0].inFormat(.float32), x[1]]
      let gradient = normal(operation(x[0], x[1]).shape).inFormat(.bfloat16)
      let (found, expected) = (
        all(x, gradient) { operation($0[0], $0[1]) },
        all(floats, gradient) { operation($0[0], $0[1]) }
      )
      XCTAssertEqual(found[0].scalars, expected[0].scalars, name, line: line)
      XCTAssertEqual(found[1].format, .bfloat16, name, line: line)
      XCTAssertEqual(expected[1].format, .float32, name, line: line)
      XCTAssertEqual(found[1].scalars, rounded(expected[1]), name, line: line)
      XCTAssertLessThanOrEqual(
        relativeError(found[2], Twin(expected[2])), weightError, name, line: line)
    }
  }

  /// What a convolution normalizes as it reads it is rounded as if it had been written.
  func testNormalizedImages() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    for (side, channels) in [(1, 16), (3, 16), (3, 64)] {
      let x = normal([8, 24, 24, channels]).inFormat(.bfloat16)
      let weight = normal([channels, side, side, channels])
      let gradient = normal(x.shape)
      func pass(written: Bool) -> [[Float]] {
        all([x, weight], gradient) {
          let images = batchNorm($0[0], activation: .relu).output
          XCTAssertFalse(images.storage.isWritten)
          if written { _ = images.numbers }
          return convolution(images, $0[1], padding: side / 2)
        }.map(\.scalars)
      }
      withMatmulPrecision(.bfloat16) {
        XCTAssertEqual(pass(written: false), pass(written: true), "\(side)")
      }
    }
  }

  /// Images of 16 bits in a product of floats, as of a scope inside a scope.
  func testOtherPrecisionsReadThem() {
    let (x, weight) = (normal([2, 5, 5, 24]).inFormat(.bfloat16), normal([70, 1, 1, 24]))
    let floats = x.inFormat(.float32)
    let gradient = normal([2, 5, 5, 70])
    let (found, expected) = (
      all([x, weight], gradient) { convolution($0[0], $0[1]) },
      all([floats, weight], gradient) { convolution($0[0], $0[1]) }
    )
    XCTAssertEqual(found.map(\.scalars), expected.map(\.scalars))
  }

  /// A 1x1 convolution adds its gradient to that of another reader, in 16 bits.
  func testSumsOfGradients() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    let weights = [normal([32, 1, 1, 24]), normal([40, 1, 1, 24])]
    let x = normal([2, 8, 8, 24]).inFormat(.bfloat16)
    func gradient(_ x: Tensor) -> Tensor {
      let leaf = x.tracked
      let sums = weights.map { convolution(leaf, $0).sum() }
      return gradients(of: sums[0] + sums[1], at: [leaf])[0]
    }
    let (found, expected) = withMatmulPrecision(.bfloat16) {
      (gradient(x), gradient(x.inFormat(.float32)))
    }
    XCTAssertEqual(found.format, .bfloat16)
    XCTAssertEqual(expected.format, .float32)
    // Two roundings of half a unit each.
    XCTAssertLessThan(relativeError(found, Twin(expected)), 0x1p-7)
  }
}
