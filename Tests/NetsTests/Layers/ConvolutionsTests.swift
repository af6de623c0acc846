import Tensor
import TestSupport
import XCTest

@testable import Nets

final class ConvolutionsTests: XCTestCase {
  func testSizesFollowTorch() {
    let images = Tensor.ones([1, 7, 9, 4])
    let conv = Conv2d(4, 6, kernelSize: [3, 5], stride: [2, 1], padding: [1, 2], groups: 2)
    XCTAssertEqual(conv(images).shape, [1, 4, 9, 6])
    XCTAssertEqual(conv.inputChannels, 4)
    let transposed = ConvTranspose2d(4, 2, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1)
    XCTAssertEqual(transposed(images).shape, [1, 14, 18, 2])
  }

  func testIntegerVariablesMakeSquares() {
    let (three, two, one) = (3, 2, 1)
    let images = Tensor.ones([1, 8, 8, 2])
    let make = { (seed: UInt64) -> [any Module] in
      withRandomSeed(seed) {
        [
          Conv2d(2, 4, kernelSize: three, stride: two, padding: one, dilation: one),
          ConvTranspose2d(2, 4, kernelSize: three, stride: two, padding: one, outputPadding: one),
          MaxPool(three, stride: two, padding: one), AveragePool(two),
        ]
      }
    }
    let same: [any Module] = withRandomSeed(3) {
      [
        Conv2d(2, 4, kernelSize: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1]),
        ConvTranspose2d(
          2, 4, kernelSize: [3, 3], stride: [2, 2], padding: [1, 1], outputPadding: [1, 1]),
        MaxPool([3, 3], stride: [2, 2], padding: [1, 1]), AveragePool([2, 2]),
      ]
    }
    for (layer, expected) in zip(make(3), same) {
      XCTAssertEqual(layer(images).scalars, expected(images).scalars)
      XCTAssertEqual(layer(images).shape, expected(images).shape)
    }
  }

  func testStandardizedKernelsHaveZeroMeanAndUnitVariance() {
    let conv = Conv2d(3, 2, kernelSize: 1, bias: false)
    conv.weight.value = Tensor([1, 2, 4, -3, 0, 9], shape: [2, 1, 1, 3])
    // One-pixel images of one-hot channels read the kernels off.
    let kernels = WeightStandardized(conv)(Tensor.identity(3).reshaped([3, 1, 1, 3]))
    let columns = kernels.reshaped([3, 2])
    XCTAssertLessThan(columns.mean(axes: [0]).scalars.map { abs($0) }.max() ?? 1, 1e-6)
    for variance in columns.variance(axes: [0]).scalars {
      XCTAssertEqual(variance, 1, accuracy: 1e-4)
    }
  }

  func testStandardizationDoesNotShowInCheckpoints() {
    let plain = ResNet.resNet18(stem: .small, width: 4)
    let learned = plain.state.names.filter { !$0.contains("running") && !$0.contains("tracked") }
    for norm in [ResNet.Norm.group(2), .groupStandardized(2)] {
      let net = ResNet.resNet18(stem: .small, width: 4, norm: norm)
      XCTAssertEqual(net.state.names, learned)
      XCTAssertEqual(net.conv1 is WeightStandardized, norm == .groupStandardized(2))
    }
  }

  func testGroupNormResNetTrainsEveryParameter() {
    for norm in [ResNet.Norm.group(2), .groupStandardized(2)] {
      let net = ResNet.resNet50(stem: .small, width: 4, classCount: 5, norm: norm)
      let loss = square(net(Formula.images("gn", view: 1, 1, size: 16))).sum()
      loss.backward()
      for (name, parameter) in net.namedParameters {
        let norm = parameter.gradient.map { $0.norm().item } ?? 0
        XCTAssertTrue(norm > 0 && norm.isFinite, name)
      }
      XCTAssertEqual(net.buffers.count, 0)
    }
  }
}
