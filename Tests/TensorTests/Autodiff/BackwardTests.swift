import Tensor
import XCTest

final class BackwardTests: XCTestCase {
  func testAValueUsedTwiceGetsBothGradients() {
    let x = Tensor([2, 3]).tracked
    let y = x * x + 5 * x
    XCTAssertEqual(gradients(of: y.sum(), at: [x])[0].scalars, [9, 11])
    let z = x * 2
    XCTAssertEqual(gradients(of: (z + z * z).sum(), at: [x])[0].scalars, [18, 26])
  }

  func testGradientsOfLeavesThatDoNotMatterAreZeros() {
    let (x, other) = (Tensor([2, 3]).tracked, Tensor.ones([2, 2]).tracked)
    let found = gradients(of: (x * 3).sum(), at: [other, x, other])
    XCTAssertEqual(found.map(\.shape), [[2, 2], [2], [2, 2]])
    XCTAssertEqual(found[0].scalars, [0, 0, 0, 0])
    XCTAssertEqual(found[1].scalars, [3, 3])
  }

  func testGradientsOfAParameterLeaveItsGradientAlone() {
    let parameter = Parameter(Tensor([1, 2]))
    let found = gradients(of: square(parameter.value).sum(), at: [parameter.value])
    XCTAssertEqual(found[0].scalars, [2, 4])
    XCTAssertNil(parameter.gradient)
  }

  func testBackwardAddsUp() {
    let parameter = Parameter(Tensor([1, 2]))
    for count in 1...3 {
      (parameter.value * Tensor([3, 4])).sum().backward()
      XCTAssertEqual(parameter.gradient?.scalars, [3 * Float(count), 4 * Float(count)])
    }
    XCTAssertEqual(parameter.gradient?.isTracked, false)
  }

  func testAFrozenParameterGetsNoGradient() {
    let (frozen, free) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, 4])))
    frozen.isTrainable = false
    XCTAssertFalse(frozen.value.isTracked)
    (frozen.value * free.value).sum().backward()
    XCTAssertNil(frozen.gradient)
    XCTAssertEqual(free.gradient?.scalars, [1, 2])
    frozen.isTrainable = true
    XCTAssertTrue(frozen.value.isTracked)
  }

  func testNothingIsRecordedWithoutGradients() {
    let parameter = Parameter(Tensor([1, 2]))
    let tracked = parameter.value
    withoutGradients {
      XCTAssertFalse(parameter.value.isTracked)
      XCTAssertFalse((tracked * 2).isTracked)
      XCTAssertFalse(matmul(tracked.reshaped([1, 2]), Tensor.ones([2, 1])).isTracked)
    }
    XCTAssertTrue((tracked * 2).isTracked)
  }

  func testRecordingResumesAfterAnError() {
    struct Stop: Error {}
    let parameter = Parameter(Tensor(1))
    XCTAssertThrowsError(try withoutGradients { throw Stop() })
    XCTAssertTrue(parameter.value.isTracked)
  }

  func testNothingIsRecordedForPlainTensors() {
    let before = Memory.usage.storages
    let x = Tensor([1, 2])
    let y = exp(x + x) * x
    XCTAssertFalse(y.isTracked)
    XCTAssertEqual(Memory.usage.storages, before + 2, "x and y live, nothing between them does")
  }

  func testDetachedStopsTheGradient() {
    let x = Tensor([2, 3]).tracked
    let y = x * x.detached
    XCTAssertFalse((x * 2).detached.isTracked)
    XCTAssertEqual(gradients(of: y.sum(), at: [x])[0].scalars, [2, 3])
  }

  func testAReverseTaskIsNotSilencedByAnother() async {
    let parameter = Parameter(Tensor([1, 2]))
    let tracked = parameter.value
    async let silent = withoutGradients { (tracked * 2).isTracked }
    async let recorded = (tracked * 2).isTracked
    let found = await (silent, recorded)
    XCTAssertFalse(found.0)
    XCTAssertTrue(found.1)
  }

  func testUsesOfParametersNameTheFirstOperation() {
    let (first, second) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, 4])))
    let uses = (exp(first.value) * second.value + first.value).parameterUses
    XCTAssertEqual(uses.map(\.operation), ["exp(_:)", "*(_:_:)"])
    XCTAssertTrue(uses[0].parameter === first && uses[1].parameter === second)
  }

  /// A sum of gradients is made in place, but never in the place of a gradient that somebody holds.
  func testGradientsThatAreHeldStayAsTheyAre() {
    let parameter = Parameter(Tensor([1, 2]))
    (parameter.value * 3).sum().backward()
    let held = parameter.gradient
    (parameter.value * 4).sum().backward()
    XCTAssertEqual(held?.scalars, [3, 3])
    XCTAssertEqual(parameter.gradient?.scalars, [7, 7])
    // In place once nobody else holds it, also where a part of it is shared.
    let before = parameter.gradient?.pointer
    (parameter.value * 5).sum().backward()
    XCTAssertEqual(parameter.gradient?.pointer, before)
    let part = parameter.gradient?[0..<1]
    (parameter.value * 6).sum().backward()
    XCTAssertEqual(part?.scalars, [12])
    XCTAssertEqual(parameter.gradient?.scalars, [18, 18])
    // One gradient that goes to both inputs, and a third that comes later.
    let (x, y) = (Tensor([1, 2]).tracked, Tensor([5, 6]).tracked)
    let found = gradients(of: (x * y + (x + y)).sum(), at: [x, y])
    XCTAssertEqual(found.map(\.scalars), [[6, 7], [2, 3]])
  }

  /// A 1x1 convolution adds its gradient to that of its input where it is; here that is also the
  /// gradient of the convolution's result, or a part of another's.
  func testGradientsAddUpInsideConvolutions() {
    var stream = RandomStream(seed: 31)
    let x = Tensor.normal([2, 3, 5, 6], using: &stream).tracked
    let weights = (0..<2).map { _ in Tensor.normal([6, 1, 1, 6], using: &stream) * 0.5 }
    let share = Tensor.normal([2, 3, 5, 6], using: &stream)
    func gradient(_ make: (Tensor) -> Tensor) -> Tensor {
      gradients(of: (make(x) * share).sum(), at: [x])[0]
    }
    let parts = weights.map { weight in gradient { convolution($0, weight) } }
    let whole = gradient { x in
      let once = x * 1
      return once + convolution(once, weights[0]) + convolution(once, weights[1])
    }
    for index in 0..<share.elementCount {
      let expected = share.scalars[index] + parts[0].scalars[index] + parts[1].scalars[index]
      XCTAssertEqual(whole.scalars[index], expected, accuracy: 1e-5)
    }
  }
}
