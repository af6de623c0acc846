import CTensorKernels
import XCTest

@testable import Tensor

final class ChannelStatisticsTests: XCTestCase {
  /// Every ISA, for channels that fill several vectors, one, and a part of one.
  func testEveryISA() {
    forEachISA { isa in
      for channels in [2, 8, 14, 32, 46] {
        for row in OperationTable.normalization where !row.name.hasPrefix("layerNorm") {
          guard !row.variant.hasSuffix("4 groups") else { continue }
          let shapes = row.shapes[0].map { $0.count > 1 ? [10, 5, channels] : [channels] }
          XCTAssertEqual(row.failuresAlongDirection(on: shapes), [], "\(isa)")
        }
      }
    }
  }

  /// Without a residual it is the input that says what a ReLU let through: exactly what the output
  /// says, for values whose normal form is nothing but rounding too.
  func testGateOfTheInputIsThatOfTheOutput() {
    let channels = 13
    var stream = RandomStream(seed: 501)
    let mean = Tensor.normal([channels], using: &stream) * 100
    let (scale, bias) = (Tensor.normal([channels], using: &stream), Tensor.zeros([channels]))
    let normal = Tensor.normal([200, channels], using: &stream)
    let tiny = 700 * Float.leastNonzeroMagnitude
    let odd = Tensor([-0.0, 0] + [Float](repeating: tiny, count: channels - 2))
    let x = concatenated([
      mean.broadcast(to: [50, channels]), normal, odd.reshaped([1, channels]),
    ]).tracked
    forEachISA { isa in
      let y = batchNorm(
        x, mean: mean, variance: Tensor.ones([channels]), scale: scale, bias: bias,
        activation: .relu)
      let passed = gradients(of: y.sum(), at: [x])[0]
      for index in 0..<y.elementCount {
        XCTAssertEqual(
          passed.scalars[index] != 0, y.scalars[index] > 0, "\(index), \(isa)")
      }
    }
  }

  /// Large results are written past the caches: the same numbers, also where rows are no whole
  /// vectors.
  func testStreamedResults() {
    var stream = RandomStream(seed: 502)
    forEachISA { isa in
      for channels in [8, 14, 64] {
        let values = (0..<3).map { _ in Tensor.normal([7, channels], using: &stream) }
        let numbers = Tensor.normal([3, channels], using: &stream)
        let results = [false, true].map { applied(values, numbers, isNonTemporal: $0) }
        XCTAssertEqual(results[0].map(\.scalars), results[1].map(\.scalars), "\(isa)")
        XCTAssertGreaterThan(results[0][0].scalars.max() ?? 0, 0)
      }
    }
  }

  /// An affine map with a residual and a ReLU, and the gradients of its input and its residual.
  private func applied(_ values: [Tensor], _ numbers: Tensor, isNonTemporal: Bool) -> [Tensor] {
    let (rows, channels) = (values[0].shape[0], values[0].shape[1])
    let (a, b, c) = (
      numbers.pointer, numbers.pointer + channels, numbers.pointer + 2 * channels
    )
    let affine = CTKAffine(factor: a, offset: b)
    let y = Tensor(values[0].shape) { out in
      ctk_apply_affine(
        values[0].numbers.layout, values[1].pointer, affine, true, isNonTemporal, rows, channels,
        out)
    }
    let passed = Storage(elementCount: y.elementCount)
    let dx = Tensor(y.shape) { out in
      let through = CTKNormalized(
        gradient: values[2].pointer, input: values[0].pointer, output: y.pointer,
        format: CTKFloat32, affine: affine, gate: CTKGateByOutput)
      ctk_input_gradients(
        through, a, b, c, isNonTemporal, rows, channels, out, passed.pointer)
    }
    withExtendedLifetime((values, numbers, y)) {}
    return [y, dx, Tensor(storage: passed, shape: y.shape)]
  }

  /// Channels do not know each other: sums that stay in registers, that fill a cache and that do
  /// not are the same, and so are the gradients.
  func testSumsOfManyChannels() {
    var stream = RandomStream(seed: 503)
    let x = Tensor.normal([11, 1030], using: &stream) + 3
    let weight = Tensor.normal([11, 1030], using: &stream)
    forEachISA { isa in
      let whole = normalized(x, weight)
      for columns in [0..<24, 24..<500, 500..<1030] {
        let block = { (all: Tensor) in
          all.cropped(at: [0, columns.lowerBound], shape: [11, columns.count])
        }
        for (all, some) in zip(whole, normalized(block(x), block(weight))) {
          XCTAssertEqual(block(all).scalars, some.scalars, "\(columns), \(isa)")
        }
      }
    }
  }

  /// The result of a batch norm, and its input's gradient for the gradient `weight` of a ReLU
  /// behind it.
  private func normalized(_ x: Tensor, _ weight: Tensor) -> [Tensor] {
    let x = x.tracked
    let y = batchNorm(x, activation: .relu).output
    return [y, gradients(of: (y * weight).sum(), at: [x])[0]]
  }

  /// Nothing to normalise stays nothing.
  func testNoChannels() {
    let none = Tensor.zeros([0])
    XCTAssertEqual(batchNorm(Tensor.zeros([4, 0]), mean: none, variance: none).shape, [4, 0])
  }
}
