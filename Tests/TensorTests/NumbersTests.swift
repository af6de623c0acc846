import XCTest

@testable import Tensor

/// Numbers of 16 bits in memory, which read as floats.
final class NumbersTests: XCTestCase {
  private func normal(_ shape: TensorShape, seed: UInt64) -> Tensor {
    var stream = RandomStream(seed: seed)
    return .normal(shape, using: &stream)
  }

  private func rounded(_ x: Tensor) -> [Float] {
    Twin(x).rounded(to: .bfloat16).values.map { Float($0) }
  }

  func testNumbersAreRoundedToTheNearest() {
    // A tie goes to the even neighbour: 1 + 1/256 down to 1, 1 + 3/256 up to 1 + 4/256.
    let ties: [Float] = [1 + 0x1p-8, 1 + 0x3p-8, -1 - 0x1p-8, 1 + 0x1p-8 + 0x1p-20]
    let even: [Float] = [1, 1 + 0x4p-8, -1, 1 + 0x2p-8]
    XCTAssertEqual(Tensor(ties).inFormat(.bfloat16).scalars, even)
    for count in [0, 1, 7, 8, 45, 100_003] {
      let x = normal([count], seed: 601)
      let halves = x.inFormat(.bfloat16)
      XCTAssertEqual(halves.format, .bfloat16)
      XCTAssertEqual(halves.scalars, rounded(x), "\(count)")
    }
  }

  func testUnusualNumbers() {
    let x = Tensor([
      .nan, -.nan, Float(bitPattern: 0x7f80_0001), .infinity, -.infinity,
      .greatestFiniteMagnitude, -0.0, 0x1p-130, 3,
    ])
    let found = x.inFormat(.bfloat16).scalars
    XCTAssertTrue(found[0].isNaN && found[1].isNaN && found[2].isNaN)
    XCTAssertEqual(found[3...5], [.infinity, -.infinity, .infinity])
    XCTAssertEqual(found[6].sign, .minus)
    XCTAssertEqual(found[7...], [0x1p-130, 3])
  }

  /// Slices and reshapes share memory; operations that know nothing of it read floats.
  func testSlicesAndOperations() {
    let x = normal([3, 5, 7], seed: 602).inFormat(.bfloat16)
    let floats = x.inFormat(.float32)
    XCTAssertEqual(floats.format, .float32)
    XCTAssertEqual(x[1].format, .bfloat16)
    XCTAssertEqual(x[1].scalars, floats[1].scalars)
    XCTAssertEqual(x.reshaped([15, 7])[14].scalars, floats.reshaped([15, 7])[14].scalars)
    XCTAssertEqual((x[2] * 2 + x[0]).scalars, (floats[2] * 2 + floats[0]).scalars)
    XCTAssertEqual(x.sum().item, floats.sum().item)
  }

  func testWritingLeavesOtherTensorsAlone() {
    let x = normal([20], seed: 603).inFormat(.bfloat16)
    let before = x.scalars
    var copy = x
    copy.mutateNumbers { $0.halves[3] = 0 }
    XCTAssertEqual(copy.format, .bfloat16)
    XCTAssertEqual(copy.scalars[3], 0)
    // What was read as floats before is not what it was.
    copy.mutateNumbers { $0.halves[3] = 0x4000 }
    XCTAssertEqual(copy.scalars[3], 2)
    copy.mutate { $0[4] = 0.1 }
    XCTAssertEqual(copy.format, .float32)
    XCTAssertEqual(Array(copy.scalars[3...4]), [2, 0.1])
    XCTAssertEqual(x.scalars, before)
  }

  func testSumsOfBothFormats() {
    let (a, b) = (normal([1_001], seed: 604), normal([1_001], seed: 605))
    let halves = (a.inFormat(.bfloat16), b.inFormat(.bfloat16))
    let exact = halves.0 + halves.1
    var sum = halves.0.inFormat(.float32).inFormat(.bfloat16)
    sum.accumulate(halves.1)
    XCTAssertEqual(sum.format, .bfloat16)
    XCTAssertEqual(sum.scalars, rounded(exact))
    var shared = halves.0
    shared.accumulate(halves.1)
    XCTAssertEqual(shared.scalars, exact.scalars)
    XCTAssertEqual(halves.0.scalars, rounded(a))
    var floats = a
    floats.accumulate(halves.1)
    XCTAssertEqual(floats.scalars, (a + halves.1).scalars)
    var mixed = halves.0.inFormat(.float32).inFormat(.bfloat16)
    mixed.accumulate(b)
    XCTAssertEqual(mixed.scalars, (halves.0 + b).scalars)
  }

  /// The copy that was made for readers of floats goes with the tensor.
  func testMemoryIsGivenBack() {
    func live() -> Int { BufferPool.shared.usage.liveBytes }
    let before = live()
    do {
      let x = normal([4_096], seed: 606).inFormat(.bfloat16)
      XCTAssertLessThan(live() - before, 12_000)
      XCTAssertEqual(x.sum().item, x.scalars.reduce(0, +), accuracy: 1e-3)
      XCTAssertGreaterThan(live() - before, 20_000)
    }
    XCTAssertEqual(live(), before)
  }
}
