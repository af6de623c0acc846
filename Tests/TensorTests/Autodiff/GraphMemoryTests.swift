import Tensor
import XCTest

final class GraphMemoryTests: XCTestCase {
  private let length = 1_000_000

  func testALongGraphIsDifferentiatedAndFreed() {
    let before = Memory.usage.storages
    do {
      let leaf = Tensor(0).tracked
      var x = leaf
      for _ in 0..<length { x = x + 1 }
      XCTAssertEqual(gradients(of: x, at: [leaf])[0].item, 1)
    }
    XCTAssertEqual(Memory.usage.storages, before)
  }

  /// Products capture their inputs in their pullbacks, sums of neighbours have two inputs each.
  func testALongGraphIsFreedWithoutBeingDifferentiated() {
    let before = Memory.usage.storages
    do {
      let leaf = Tensor(1).tracked
      var (x, earlier) = (leaf, leaf)
      for step in 0..<length {
        (x, earlier) = (step % 2 == 0 ? x * leaf : (x + earlier) * 0.5, x)
      }
      XCTAssertEqual(x.item, 1)
    }
    XCTAssertEqual(Memory.usage.storages, before)
  }

  func testTrainingStepsLeaveNothingBehind() {
    var stream = RandomStream(seed: 1)
    let before = Memory.usage.storages
    do {
      let net = TwoLayers(using: &stream)
      let images = Tensor.normal([8, 5], using: &stream)
      let targets = (images.sum(axes: [1], keepingAxes: true) * 0.3).detached
      let first = net.step(images, targets)
      let baseline = Memory.usage.storages
      for _ in 0..<1_000 { _ = net.step(images, targets) }
      XCTAssertEqual(Memory.usage.storages, baseline)
      XCTAssertLessThan(net.step(images, targets), first / 10, "the net learned nothing")
    }
    XCTAssertEqual(Memory.usage.storages, before)
  }

  func testBackwardFreesWhatTheGraphHeld() {
    let parameter = Parameter(.ones([100]))
    let baseline = Memory.usage.storages
    let loss = square(exp(parameter.value)).sum()
    XCTAssertGreaterThan(Memory.usage.storages, baseline + 1)
    loss.backward()
    XCTAssertEqual(Memory.usage.storages, baseline + 2, "the loss and the gradient are left")
  }
}

/// relu(x · W₁ᵀ + b₁) · W₂ᵀ + b₂ with a plain gradient update.
private struct TwoLayers {
  let parameters: [Parameter]

  init(using stream: inout RandomStream) {
    parameters = [[16, 5], [16], [1, 16], [1]].map { shape in
      Parameter(.normal(TensorShape(shape), standardDeviation: 0.3, using: &stream))
    }
  }

  func step(_ x: Tensor, _ targets: Tensor) -> Float {
    let values = parameters.map(\.value)
    let hidden = relu(linear(x, values[0], bias: values[1]))
    let loss = square(linear(hidden, values[2], bias: values[3]) - targets).mean()
    for parameter in parameters { parameter.gradient = nil }
    loss.backward()
    withoutGradients {
      for parameter in parameters {
        guard let gradient = parameter.gradient else { continue }
        parameter.value = parameter.value - 0.05 * gradient
      }
    }
    return loss.item
  }
}
