import CTensorKernels
import XCTest

@testable import Tensor

/// What products round with `withMatmulPrecision(.bfloat16)`, and what they leave alone;
/// CarriedNumbersTests has what is carried in 16 bits.
final class BFloat16GemmTests: XCTestCase {
  override func setUpWithError() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
  }

  override func tearDown() { ctk_set_max_isa(CTKISAAVX512) }

  /// Every product, values and gradients, is that of rounded factors.
  func testProductsAndTheirGradientsRoundTheirFactors() {
    var stream = RandomStream(seed: 501)
    func normal(_ shape: TensorShape) -> Tensor { .normal(shape, using: &stream) }
    checkRounding("matmul", normal([70, 33]), normal([33, 90]), matmul)
    checkRounding("batches", normal([3, 20, 17]), normal([3, 17, 40]), matmul)
    checkRounding("linear", normal([66, 40]), normal([50, 40])) { linear($0, $1) }
    checkRounding("few rows", normal([16, 40]), normal([50, 40])) { linear($0, $1) }
    checkRounding(carrying: "1x1", normal([2, 5, 5, 24]), normal([70, 1, 1, 24])) {
      convolution($0, $1)
    }
    checkRounding(carrying: "large weight", normal([2, 4, 4, 24]), normal([520, 1, 1, 24])) {
      convolution($0, $1)
    }
    checkRounding(carrying: "stride 2", normal([2, 9, 8, 16]), normal([24, 3, 3, 16])) {
      convolution($0, $1, stride: 2, padding: 1)
    }
    for (kernel, outputs) in [(3, 16), (5, 48), (7, 112)] {
      checkRounding(
        carrying: "few channels", normal([2, 19, 17, 3]), normal([outputs, kernel, kernel, 3])
      ) { convolution($0, $1, stride: kernel == 5 ? 1 : 2, padding: Size2D(kernel / 2)) }
    }
    checkRounding(carrying: "groups", normal([2, 6, 6, 8]), normal([32, 3, 3, 4])) {
      convolution($0, $1, groups: 2)
    }
    checkRounding("transposed", normal([2, 4, 4, 16]), normal([16, 2, 2, 24])) {
      transposedConvolution($0, $1, stride: 2)
    }
  }

  /// Products with a side below 16 are what they are without, and Winograd's convolutions of few
  /// channels but for how their results are carried.
  func testWhatIsNotRounded() {
    var stream = RandomStream(seed: 502)
    func check(_ a: TensorShape, _ b: TensorShape, _ operation: (Tensor, Tensor) -> Tensor) {
      let (a, b) = (Tensor.normal(a, using: &stream), Tensor.normal(b, using: &stream))
      let (exact, allowed) = (
        operation(a, b), withMatmulPrecision(.bfloat16) { operation(a, b) }
      )
      XCTAssertTrue(allowed.scalars == exact.scalars, "\(a.shape), \(b.shape)")
    }
    check([15, 33], [33, 90], matmul)
    check([70, 15], [15, 90], matmul)
    check([70, 33], [33, 15], matmul)
    check([8, 24, 24, 16], [16, 3, 3, 16]) {
      convolution($0, $1, padding: 1).inFormat(.bfloat16)
    }
    check([2, 12, 12, 16], [16, 3, 3, 1]) { convolution($0, $1, groups: 16) }
  }

  func testGradientsAreOfThePrecisionThatRecordedThem() {
    var stream = RandomStream(seed: 503)
    let x = Tensor.normal([70, 33], using: &stream).tracked
    let y = Tensor.normal([33, 90], using: &stream)
    func gradient(forward: MatmulPrecision, backward: MatmulPrecision) -> [Float] {
      let loss = withMatmulPrecision(forward) { matmul(x, y) }.sum()
      return withMatmulPrecision(backward) { gradients(of: loss, at: [x])[0].scalars }
    }
    XCTAssertEqual(
      gradient(forward: .bfloat16, backward: .float32),
      gradient(forward: .bfloat16, backward: .bfloat16))
    XCTAssertEqual(
      gradient(forward: .float32, backward: .bfloat16),
      gradient(forward: .float32, backward: .float32))
    XCTAssertNotEqual(
      gradient(forward: .bfloat16, backward: .float32),
      gradient(forward: .float32, backward: .float32))
  }

  func testProcessorsWithoutTheInstructionRoundNothing() {
    var stream = RandomStream(seed: 504)
    let (a, b) = (
      Tensor.normal([70, 33], using: &stream), Tensor.normal([33, 90], using: &stream)
    )
    ctk_set_max_isa(CTKISAAVX2)
    XCTAssertFalse(MatmulPrecision.hasBFloat16)
    XCTAssertEqual(
      withMatmulPrecision(.bfloat16) { matmul(a, b) }.scalars, matmul(a, b).scalars)
  }

  /// Numbers that are none, infinite, and of the smallest that count.
  func testUnusualNumbers() {
    var a = Tensor.zeros([16, 16])
    a.mutate {
      $0[0] = .nan; $0[16] = .infinity; $0[32] = 0x1p-125; $0[48] = 0x1p-130
    }
    let product = withMatmulPrecision(.bfloat16) { matmul(a, Tensor.ones([16, 16])) }
    XCTAssertTrue(product.scalars[0].isNaN)
    XCTAssertEqual(product.scalars[16], .infinity)
    XCTAssertEqual(product.scalars[32], 0x1p-125)
    XCTAssertEqual(product.scalars[48], 0)
  }

  /// Compares a product of `a` and `b`, and its gradients for a random one of the result, with
  /// those of numbers rounded before.
  private func checkRounding(
    _ name: String, _ a: Tensor, _ b: Tensor, line: UInt = #line,
    _ operation: (Tensor, Tensor) -> Tensor
  ) {
    check(name, a, b, operation, resultError: 1e-5, line: line)
  }

  /// The same for an operation whose results are carried in 16 bits.
  private func checkRounding(
    carrying name: String, _ a: Tensor, _ b: Tensor, line: UInt = #line,
    _ operation: (Tensor, Tensor) -> Tensor
  ) {
    // Half a unit of eight bits, of the largest number.
    check(name, a, b, operation, resultError: 0x1p-8, line: line)
    withMatmulPrecision(.bfloat16) {
      let result = operation(a, b)
      XCTAssertEqual(result.format, .bfloat16, name, line: line)
      XCTAssertEqual(rounded(result).scalars, result.scalars, name, line: line)
    }
  }

  private func rounded(_ x: Tensor) -> Tensor {
    Tensor(Twin(x).rounded(to: .bfloat16).values.map { Float($0) }, shape: x.shape)
  }

  private func check(
    _ name: String, _ a: Tensor, _ b: Tensor, _ operation: (Tensor, Tensor) -> Tensor,
    resultError: Double, line: UInt
  ) {
    func all(_ a: Tensor, _ b: Tensor, _ gradient: Tensor) -> [Tensor] {
      let (a, b) = (a.tracked, b.tracked)
      let result = operation(a, b)
      return [result.detached]
        + gradients(of: (result * gradient).sum(), at: [a, b])
    }
    var stream = RandomStream(seed: 505)
    let gradient = Tensor.normal(operation(a, b).shape, using: &stream)
    let found = withMatmulPrecision(.bfloat16) { all(a, b, gradient) }
    let expected = withConvolutionAlgorithm(.direct) {
      all(rounded(a), rounded(b), rounded(gradient))
    }
    for (index, (found, expected)) in zip(found, expected).enumerated() {
      let allowed = index == 0 ? resultError : 1e-5
      XCTAssertLessThan(relativeError(found, Twin(expected)), allowed, name, line: line)
    }
    XCTAssertGreaterThan(
      relativeError(found[0], Twin(operation(a, b))), 1e-4, "\(name) rounds nothing", line: line)
  }
}
