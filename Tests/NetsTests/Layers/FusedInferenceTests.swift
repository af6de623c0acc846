import Tensor
import TestSupport
import XCTest

@testable import Nets

/// A convolution and the norm behind it in one pass, against the two one after the other: with
/// gradients on they are never fused, and compute the same.
final class FusedInferenceTests: XCTestCase {
  /// A network in evaluation mode whose norms have numbers as after a training.
  private func trained(_ net: some Module) -> some Module {
    var stream = RandomStream(seed: 3)
    for case let norm as BatchNorm in net.namedModules.map(\.module) {
      let shape = norm.runningMean.value.shape
      norm.runningMean.value = Tensor.normal(shape, using: &stream) * 0.1
      norm.runningVariance.value = Tensor.uniform(shape, in: 0.5..<2, using: &stream)
      norm.scale?.value = Tensor.uniform(shape, in: 0.5..<1.5, using: &stream)
      norm.bias?.value = Tensor.normal(shape, using: &stream) * 0.1
    }
    net.eval()
    return net
  }

  private func images(_ shape: TensorShape) -> Tensor {
    var stream = RandomStream(seed: 4)
    return Tensor.normal(shape, using: &stream)
  }

  /// Winograd's, direct and pointwise convolutions, with residuals and without, of few tiles and of
  /// many; to the bit, at sizes at which what is recorded has the same tiles.
  func testResNetsComputeTheSameBits() {
    for (net, shape) in [
      (withRandomSeed(1) { ResNet.resNet10(stem: .small, width: 16, classCount: 4) }, [3, 19, 12]),
      (withRandomSeed(1) { ResNet.resNet18(width: 8, classCount: 4) }, [2, 64, 64]),
      (withRandomSeed(1) { ResNet.resNet50(stem: .small, width: 8, classCount: 4) }, [5, 16, 16]),
      (
        withRandomSeed(1) {
          ResNet.resNet10(stem: .small, width: 16, classCount: 4, norm: .groupStandardized(4))
        }, [3, 16, 16]
      ),
    ] {
      let (net, x) = (trained(net), images(TensorShape(shape + [3])))
      let expected = net(x).scalars
      let most = expected.map(\.magnitude).max() ?? 0
      XCTAssertGreaterThan(most, 0)
      XCTAssertEqual(withoutGradients { net(x) }.scalars, expected, "\(net)")
      // Of what is recorded in bfloat16, each layer's result is rounded; of what is fused, none.
      withMatmulPrecision(.bfloat16) {
        let (recorded, fused) = (net(x).scalars, withoutGradients { net(x) }.scalars)
        XCTAssertLessThan(largestError(recorded, expected), most / 32, "\(net)")
        XCTAssertLessThan(largestError(fused, expected), most / 32, "\(net)")
      }
    }
  }

  /// Depthwise and grouped convolutions, biases, layers that do not follow each other.
  func testSequentialsComputeTheSame() {
    let net = withRandomSeed(2) {
      Sequential {
        Conv2d(5, 12, kernelSize: 3, padding: 1)
        BatchNorm(12)
        ReLU()
        Conv2d(12, 12, kernelSize: 5, stride: 2, padding: 2, groups: 12)
        BatchNorm(12)
        Conv2d(12, 8, kernelSize: 3, dilation: 2, groups: 4)
        BatchNorm(8, affine: false)
        ReLU()
        ReLU()
        Conv2d(8, 6, kernelSize: 1)
        Tanh()
        BatchNorm(6)
      }
    }
    let (trained, x) = (trained(net), images([3, 13, 15, 5]))
    let expected = trained(x)
    XCTAssertEqual(expected.shape, [3, 3, 4, 6])
    let error = largestError(withoutGradients { trained(x) }.scalars, expected.scalars)
    XCTAssertLessThan(error, 2e-6)
  }

  /// A tapped layer gives its own output, wherever in a fused expression it is.
  func testTappedLayersGiveTheirOwnOutput() throws {
    let block = BasicBlock(
      .init(inputs: 8, width: 8, stride: 1), ResNetParts(norm: .batch), zeroInit: false)
    let (net, x) = (trained(block), images([2, 7, 7, 8]))
    let convolved = block.conv1(x)
    for (layer, expected) in [
      (block.conv1, convolved), (block.bn1, block.bn1(convolved)),
      (block.relu, net(x)), (block, net(x)),
    ] as [(any Module, Tensor)] {
      let (result, output) = withoutGradients {
        ActivationTap.output(of: layer) { net(x) }
      }
      XCTAssertEqual(try XCTUnwrap(output).scalars, expected.scalars)
      XCTAssertEqual(result.scalars, net(x).scalars)
    }
  }

  /// In training the batch's statistics are used and followed, without gradients too.
  func testTrainingIsNotFused() {
    let (fused, apart) = (BatchNorm(4), BatchNorm(4))
    let conv = withRandomSeed(5) { Conv2d(3, 4, kernelSize: 3) }
    let x = images([2, 6, 6, 3])
    let found = withoutGradients { fused(after: conv, x, then: ReLU()) }
    XCTAssertEqual(found.scalars, relu(apart(conv(x))).scalars)
    XCTAssertEqual(fused.runningMean.value.scalars, apart.runningMean.value.scalars)
    XCTAssertEqual(fused.batchCount.value.item, 1)
  }

  /// New weights and statistics count at once: nothing folded is kept.
  func testNewNumbersCountAtOnce() {
    let net = withRandomSeed(6) {
      Sequential {
        Conv2d(3, 8, kernelSize: 3)
        BatchNorm(8)
      }
    }
    let (trained, x) = (trained(net), images([2, 6, 6, 3]))
    let before = withoutGradients { trained(x) }
    (net[1] as? BatchNorm)?.runningMean.value = .ones([8])
    (net[0] as? Conv2d)?.weight.value = .ones([8, 3, 3, 3])
    let after = withoutGradients { trained(x) }
    XCTAssertNotEqual(before.scalars, after.scalars)
    XCTAssertLessThan(largestError(after.scalars, trained(x).scalars), 2e-6)
  }
}
