import Tensor
import XCTest

@testable import Nets

final class InitializationTests: XCTestCase {
  private func deviation(_ values: [Float]) -> Float {
    (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
  }

  /// torch: U(-1/√fanIn, 1/√fanIn), whose deviation is the bound over √3.
  func testLinearAndConvolution() {
    withRandomSeed(1) {
      let linear = Linear(100, 200)
      let conv = Conv2d(16, 32, kernelSize: 5, groups: 2)
      let transposed = ConvTranspose2d(8, 16, kernelSize: 4)
      for (parameter, fanIn) in [
        (linear.weight, 100), (conv.weight, 200), (transposed.weight, 256),
      ] {
        let (bound, values) = (1 / Float(fanIn).squareRoot(), parameter.value.scalars)
        XCTAssertLessThanOrEqual(values.map { abs($0) }.max() ?? .infinity, bound)
        XCTAssertEqual(deviation(values), bound / Float(3).squareRoot(), accuracy: 0.03 * bound)
      }
      let biases = linear.bias?.value.scalars ?? []
      XCTAssertLessThanOrEqual(biases.map { abs($0) }.max() ?? .infinity, 0.1)
      XCTAssertGreaterThan(deviation(biases), 0.04)
    }
  }

  /// torchvision: N(0, 2 / fanOut) for convolutions, norms at one and zero, linear as torch does.
  func testResNet() throws {
    let net = withRandomSeed(2) { ResNet.resNet18() }
    for (name, fanOut) in [
      ("conv1", 64 * 49), ("layer3.0.conv1", 256 * 9), ("layer3.0.downsample.0", 256),
    ] {
      let conv = try XCTUnwrap(HiddenLayer.name(name).resolve(in: net) as? Conv2d)
      let expected = (2 / Float(fanOut)).squareRoot()
      XCTAssertEqual(deviation(conv.weight.value.scalars), expected, accuracy: 0.02 * expected)
      XCTAssertNil(conv.bias)
    }
    let norm = try XCTUnwrap(net.bn1 as? BatchNorm)
    XCTAssertEqual(norm.scale?.value.scalars, [Float](repeating: 1, count: 64))
    XCTAssertEqual(norm.bias?.value.scalars, [Float](repeating: 0, count: 64))
  }

  func testZeroInitResidualMakesBlocksIdentities() throws {
    let net = ResNet.resNet50(stem: .small, width: 4, zeroInitResidual: true)
    for (name, module) in net.namedModules where name.hasSuffix("bn3") {
      let norm = try XCTUnwrap(module as? BatchNorm)
      XCTAssertTrue(try XCTUnwrap(norm.scale).value.scalars.allSatisfy { $0 == 0 }, name)
    }
  }

  func testKaimingAndXavier() {
    var stream = RandomStream(seed: 3)
    let kaiming = Initialization.kaimingNormal([10_000], fan: 50, using: &stream)
    XCTAssertEqual(deviation(kaiming.scalars), 0.2, accuracy: 0.005)
    let xavier = Initialization.xavierUniform([10_000], fanIn: 100, fanOut: 50, using: &stream)
    XCTAssertLessThanOrEqual(xavier.scalars.map { abs($0) }.max() ?? 1, 0.2)
    XCTAssertEqual(deviation(xavier.scalars), 0.2 / Float(3).squareRoot(), accuracy: 0.005)
  }

  func testSeedFixesEveryWeight() {
    let nets = [7, 7, 8].map { seed in
      withRandomSeed(seed) {
        ResNet.resNet18(stem: .small, width: 4).parameters.map(\.value.scalars)
      }
    }
    XCTAssertEqual(nets[0], nets[1])
    XCTAssertNotEqual(nets[0], nets[2])
  }
}
