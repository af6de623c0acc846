import CTensorKernels
import XCTest

@testable import Tensor

/// Products in parts against plain loops: sides shorter and longer than a panel and than a part of
/// a sum.
final class PackedWeightsTests: XCTestCase {
  private let sizes = [
    (1, 1, 1), (7, 3, 5), (64, 64, 256), (65, 130, 257), (70, 63, 520), (33, 150, 300),
    (400, 70, 90),
  ]

  /// x · weightᵀ and dy · weight, one weight for each of two groups whose rows lie side by
  /// side.
  func testBothProducts() {
    var stream = RandomStream(seed: 401)
    for (m, outputs, inputs) in sizes {
      let weight = Tensor.normal([2 * outputs, inputs], using: &stream)
      let x = Tensor.normal([m, 2 * inputs], using: &stream)
      let dy = Tensor.normal([m, 2 * outputs], using: &stream)
      for (group, precision) in MatmulPrecision.available.flatMap({ [(0, $0), (1, $0)] }) {
        let part = Twin(weight[group * outputs..<(group + 1) * outputs]).rounded(to: precision)
        check(
          product(x, weight, group: group, .outputs, width: outputs, precision),
          Twin.matmul(columns(x, group, inputs).rounded(to: precision), part.transposed()))
        check(
          product(x, weight, group: group, .outputs, width: outputs, precision, accumulating: true)
            - 3,
          Twin.matmul(columns(x, group, inputs).rounded(to: precision), part.transposed()))
        check(
          product(dy, weight, group: group, .inputGradients, width: inputs, precision),
          Twin.matmul(columns(dy, group, outputs).rounded(to: precision), part))
      }
    }
  }

  /// Panels are kept with a weight until its numbers change.
  func testPanelsFollowTheirWeight() {
    var weight = Tensor.ones([2, 3])
    let first = PackedWeights.of(weight, groups: 1, for: .outputs, .float32)
    XCTAssertTrue(first === PackedWeights.of(weight, groups: 1, for: .outputs, .float32))
    XCTAssertFalse(first === PackedWeights.of(weight, groups: 1, for: .inputGradients, .float32))
    weight.mutate { $0[0] = 5 }
    let x = Tensor([1, 0, 0], shape: [1, 3])
    XCTAssertEqual(product(x, weight, group: 0, .outputs, width: 2, groups: 1).scalars, [5, 1])
  }

  /// A linear layer of many rows follows its weight through steps of an optimizer and exchanged
  /// values.
  func testLinearFollowsItsWeight() {
    var stream = RandomStream(seed: 404)
    let weight = Parameter(Tensor.normal([5, 3], using: &stream))
    let x = Tensor.normal([70, 3], using: &stream)
    func checkNow(line: UInt = #line) {
      let now = Twin(weight.value.detached)
      check(linear(x, weight.value), Twin.linear(Twin(x), now, bias: nil), line: line)
    }
    checkNow()
    weight.update { $0[4] = 7 }
    checkNow()
    let old = weight.value.detached
    weight.value = Tensor.normal([5, 3], using: &stream)
    checkNow()
    weight.value = old
    checkNow()
  }

  func testTransposedPanelsUnderEveryISA() {
    forEachISA { isa in
      for (height, width) in [(1, 1), (8, 8), (17, 9), (5, 24), (64, 31)] {
        let rows = (0..<height * (width + 3)).map(Float.init)
        var panel = [Float](repeating: -1, count: height * width)
        ctk_transpose_panel(rows, width + 3, height, width, &panel)
        let expected = (0..<width * height).map { rows[$0 % height * (width + 3) + $0 / height] }
        XCTAssertEqual(panel, expected, "\(height) x \(width), \(isa)")
      }
    }
  }

  /// A part of a weight shares its storage, and what is kept there is another shape's.
  func testPartsOfAWeight() {
    var stream = RandomStream(seed: 403)
    let weight = Tensor.normal([64, 3, 3, 16], using: &stream)
    let images = Tensor.normal([16, 12, 12, 16], using: &stream)
    for stride: Size2D in [1, 3] {
      let whole = convolution(images, weight, stride: stride, padding: 1)
      let part = convolution(images, weight[0..<32], stride: stride, padding: 1)
      let again = convolution(images, weight, stride: stride, padding: 1)
      XCTAssertEqual(again.scalars, whole.scalars)
      let error = abs(part - croppedCopy(of: whole, at: [0, 0, 0, 0], shape: part.shape))
      // Products of other sizes may add up in another order. Each sum of k terms is within k · 2⁻²⁴
      // of the terms' magnitudes; Winograd's, at stride 1, within 1e-4 of the root mean square.
      let magnitudes = convolution(abs(images), abs(weight[0..<32]), stride: stride, padding: 1)
      let bound =
        stride == 1
        ? Tensor(2e-4) * sqrt(square(part).mean()) : magnitudes * (2 * 144 / 16_777_216)
      XCTAssertEqual((error .> bound).sum().item, 0)
      XCTAssertGreaterThan(0.1 * sqrt(square(part).mean()).item, bound.max().item)
    }
  }

  /// No outputs, no terms and no rows.
  func testNothing() {
    for (m, outputs, inputs) in [(3, 0, 4), (3, 4, 0), (0, 4, 4)] {
      let weight = Tensor.ones([outputs, inputs])
      let x = Tensor.ones([m, inputs])
      let dy = Tensor.ones([m, outputs])
      XCTAssertEqual(
        product(x, weight, group: 0, .outputs, width: outputs, groups: 1).scalars,
        [Float](repeating: 0, count: m * outputs))
      XCTAssertEqual(
        product(dy, weight, group: 0, .inputGradients, width: inputs, groups: 1).scalars,
        [Float](repeating: 0, count: m * inputs))
    }
  }

  private func product(
    _ x: Tensor, _ weight: Tensor, group: Int, _ product: WeightProduct, width: Int,
    groups: Int = 2, _ precision: MatmulPrecision = .float32, accumulating: Bool = false
  ) -> Tensor {
    let packed = PackedWeights.of(weight, groups: groups, for: product, precision)
    let (m, stride) = (x.shape[0], x.shape[1])
    return Tensor([m, width]) { out in
      out.update(repeating: 3, count: m * width)
      let columns = group * stride / groups..<(group + 1) * stride / groups
      packed.multiply(
        MatrixView(x).columns(columns), group: group, accumulating: accumulating,
        into: MatrixDestination(out, stride: width))
    }
  }

  private func columns(_ x: Tensor, _ group: Int, _ width: Int) -> Twin {
    Twin(croppedCopy(of: x, at: [0, group * width], shape: [x.shape[0], width]))
  }

  private func check(_ found: Tensor, _ expected: Twin, line: UInt = #line) {
    XCTAssertLessThan(relativeError(found, expected), 1e-5, "\(found.shape)", line: line)
  }
}
