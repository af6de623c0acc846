import Foundation
import Tensor
import XCTest

@testable import Nets

final class LayersTests: XCTestCase {
  /// Sizes of layers in variables and literals, mixed.
  func testSizesInVariables() {
    let step = 2
    let conv = Conv2d(3, 4, kernelSize: [3, 5], stride: step, padding: step - 1, dilation: [1, 1])
    XCTAssertEqual([conv.stride, conv.padding, conv.dilation], [2, 1, 1])
    XCTAssertEqual(conv.weight.shape, [4, 3, 5, 3])
    XCTAssertEqual(MaxPool(step).window.stride, 2)
    XCTAssertEqual(AveragePool([step, 3], stride: step).window.size, [2, 3])
    let up = ConvTranspose2d(3, 4, kernelSize: step, stride: Size2D(step), outputPadding: step - 1)
    XCTAssertEqual(up.outputPadding, 1)
  }

  func testLinear() throws {
    let layer = Linear(2, 3)
    layer.weight.value = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    layer.bias?.value = Tensor([0.5, 0, -1])
    XCTAssertEqual(layer(Tensor([1, 10], shape: [1, 2])).scalars, [21.5, 43, 64])
    XCTAssertNil(Linear(2, 3, bias: false).bias)
    XCTAssertEqual(layer(.zeros([4, 5, 2])).shape, [4, 5, 3])
  }

  func testActivations() {
    let x: Float = -0.5
    let phi = 0.5 * (1 + erff(x / Float(2).squareRoot()))
    let cases: [(any Module, Float)] = [
      (ReLU(), 0), (LeakyReLU(slope: 0.2), -0.1), (GELU(), x * phi),
      (SiLU(), x / (1 + expf(0.5))), (Sigmoid(), 1 / (1 + expf(0.5))), (Tanh(), tanhf(x)),
    ]
    for (layer, expected) in cases {
      XCTAssertEqual(layer(Tensor([x])).item, expected, accuracy: 1e-6, "\(type(of: layer))")
    }
  }

  func testPools() {
    let image = Tensor((0..<16).map { Float($0) }, shape: [1, 4, 4, 1])
    XCTAssertEqual(MaxPool(2)(image).scalars, [5, 7, 13, 15])
    XCTAssertEqual(MaxPool(3, stride: 2, padding: 1)(image).scalars, [5, 7, 13, 15])
    XCTAssertEqual(AveragePool(2)(image).scalars, [2.5, 4.5, 10.5, 12.5])
    XCTAssertEqual(GlobalAveragePool()(image).scalars, [7.5])
    XCTAssertEqual(Upsample(factor: 2)(image).shape, [1, 8, 8, 1])
    XCTAssertEqual(Array(Upsample(factor: 2)(image).scalars[..<4]), [0, 0, 1, 1])
  }

  func testMLP() {
    let net = MLP([4, 8, 8, 2], batchNorm: true)
    let types = net.layers.layers.map { "\(type(of: $0))" }
    XCTAssertEqual(
      types, ["Linear", "BatchNorm", "ReLU", "Linear", "BatchNorm", "ReLU", "Linear"])
    XCTAssertEqual(net.namedParameters.first?.name, "0.weight")
    XCTAssertEqual(MLP([4, 8, 2]).layers.layers.count, 3)
    XCTAssertEqual(net(.ones([2, 4])).shape, [2, 2])
  }
}
