import Tensor
import XCTest

@testable import Nets

/// Twenty steps on a parabola, against torch 2.15:
///
///     w = torch.nn.Parameter(torch.tensor([1., -2., 3., -4.]))
///     o = torch.optim.SGD([w], lr=.1)      # or as named below
///     for _ in range(20):
///         w.grad = torch.tensor([.25, .5, .75, 1.]) * (w.detach() - torch.tensor([.5, .25, -.75, 1.]))
///         o.step()
final class OptimizerTests: XCTestCase {
  private func result(of make: ([Parameter]) -> any Optimizer) -> [Float] {
    let w = Parameter(Tensor([1, -2, 3, -4]))
    let optimizer = make([w])
    for _ in 0..<20 {
      optimizer.zeroGradients()
      let distance = w.value - Tensor([0.5, 0.25, -0.75, 1])
      (Tensor([0.125, 0.25, 0.375, 0.5]) * square(distance)).sum().backward()
      optimizer.step()
    }
    return w.value.scalars
  }

  private func check(_ expected: [Float], _ make: ([Parameter]) -> any Optimizer) {
    for (found, expected) in zip(result(of: make), expected) {
      XCTAssertEqual(found, expected, accuracy: 2e-6)
    }
  }

  func testSGD() {
    check([0.8013437, -0.5565932, 0.0386167, 0.3921168]) { SGD($0, learningRate: 0.1) }
  }

  func testMomentum() {
    check([0.3291021, 0.5225437, 0.1715609, -0.7233367]) {
      SGD($0, learningRate: 0.1, momentum: 0.9)
    }
  }

  func testWeightDecay() {
    check([0.1448736, 0.1065864, 0.5168061, -0.5988596]) {
      SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 0.1)
    }
  }

  func testNesterov() {
    check([0.2102930, 0.1432019, -0.1632993, 0.4557012]) {
      SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 0.1, nesterov: true)
    }
  }

  func testAdam() {
    check([0.5531875, -0.1840211, 1.0875826, -2.0603390]) { Adam($0, learningRate: 0.1) }
  }

  func testAdamWithBetasAndCoupledDecay() {
    check([0.3909290, -0.2504082, 1.1212773, -2.0833144]) {
      Adam($0, learningRate: 0.1, betas: (0.8, 0.95), weightDecay: 0.1)
    }
  }

  func testAdamW() {
    check([0.5531915, -0.0308689, 0.7436424, -1.5330932]) {
      AdamW($0, learningRate: 0.1, weightDecay: 0.1)
    }
  }

  func testParametersWithoutGradientOrFrozenStay() {
    let (still, frozen) = (Parameter(.ones([2])), Parameter(.ones([2])))
    frozen.isTrainable = false
    frozen.gradient = .ones([2])
    let moving = Parameter(.ones([2]))
    moving.gradient = .ones([2])
    let all = [still, frozen, moving]
    for optimizer: any Optimizer in [
      SGD(all, learningRate: 1, weightDecay: 0.5), Adam(all, weightDecay: 0.5),
      AdamW(all, weightDecay: 0.5),
    ] {
      let before = moving.value.scalars
      optimizer.step()
      XCTAssertNotEqual(moving.value.scalars, before)
    }
    XCTAssertEqual(still.value.scalars, [1, 1])
    XCTAssertEqual(frozen.value.scalars, [1, 1])
  }

  func testGroupsHaveTheirOwnSettings() {
    let (a, b) = (Parameter(.ones([1])), Parameter(.ones([1])))
    let optimizer = SGD(
      [ParameterGroup([a], weightDecay: 0.5), ParameterGroup([b], learningRateScale: 10)],
      learningRate: 0.01)
    (a.gradient, b.gradient) = (.ones([1]), .ones([1]))
    optimizer.step()
    XCTAssertEqual(a.value.item, 1 - 0.01 * 1.5, accuracy: 1e-7)
    XCTAssertEqual(b.value.item, 0.9, accuracy: 1e-7)
    optimizer.zeroGradients()
    XCTAssertNil(a.gradient)
    XCTAssertNil(b.gradient)
  }

  func testAStepLeavesEarlierValuesAsTheyWere() {
    let w = Parameter(.ones([3]))
    let before = w.value
    w.gradient = .ones([3])
    SGD([w], learningRate: 1).step()
    XCTAssertEqual(before.scalars, [1, 1, 1])
    XCTAssertEqual(w.value.scalars, [0, 0, 0])
  }

  func testNormsAndBiasesAreExemptByType() {
    let net = Sequential {
      Conv2d(1, 2, kernelSize: 3)
      BatchNorm(2)
      GroupNorm(groups: 1, 2)
      Linear(2, 2)
      LayerNorm(2)
    }
    let groups = net.parameterGroups(weightDecay: 0.5)
    XCTAssertEqual(groups.map(\.weightDecay), [0.5, 0])
    XCTAssertEqual(groups[0].parameters.map(\.shape), [[2, 3, 3, 1], [2, 2]])
    XCTAssertEqual(groups[1].parameters.count, 8)
    XCTAssertEqual(groups.flatMap(\.parameters).uniqued().count, net.parameters.count)
  }
}
