import Tensor
import TestSupport
import XCTest

@testable import Nets

final class ActivationTapTests: XCTestCase {
  private let images = Formula.images("tap", view: 1, 2, size: 16)

  private func makeNet() -> ResNet {
    withRandomSeed(1) {
      let net = ResNet(
        isBottleneck: false, depths: [1, 1, 1, 2], stem: .small, width: 4, classCount: 3)
      net.eval()
      return net
    }
  }

  private func output(of layer: HiddenLayer, in net: ResNet) throws -> (Tensor, Tensor) {
    let module = try layer.resolve(in: net)
    let (result, output) = ActivationTap.output(of: module) { net(images) }
    return (result, try XCTUnwrap(output))
  }

  func testByNameIndexAndModuleGiveTheSame() throws {
    let net = makeNet()
    let byName = try output(of: "avgpool", in: net).1
    XCTAssertEqual(byName.shape, [2, 1, 1, 32])
    XCTAssertEqual(try output(of: -2, in: net).1.scalars, byName.scalars)
    XCTAssertEqual(try output(of: .module(net.avgpool), in: net).1.scalars, byName.scalars)
    XCTAssertEqual(try output(of: 8, in: net).1.scalars, byName.scalars)
    let (result, last) = try output(of: -1, in: net)
    XCTAssertEqual(result.scalars, last.scalars)
  }

  func testTappedNormGivesItsOwnOutputAndTheNetworkItsUsualOne() throws {
    let net = makeNet()
    let usual = net(images).scalars
    for name in ["layer4.1.bn2", "layer1.0.bn1", "bn1", "layer4.0.downsample.1"] {
      let (result, tapped) = try output(of: .name(name), in: net)
      XCTAssertLessThan(relativeError(result.scalars, usual), 1e-6, name)
      XCTAssertTrue(tapped.scalars.contains { $0 < 0 }, "\(name) was tapped behind the ReLU")
    }
    let conv = try XCTUnwrap(net.layer4[1] as? BasicBlock)
    let (_, input) = ActivationTap.output(of: conv.conv2) { net(images) }
    let (_, tapped) = ActivationTap.output(of: conv.bn2) { net(images) }
    let alone = conv.bn2.forward(try XCTUnwrap(input), activation: .identity, residual: nil)
    XCTAssertEqual(try XCTUnwrap(tapped).scalars, alone.scalars)
  }

  func testTappedReLUGivesItsLastOutput() throws {
    let net = makeNet()
    let (_, relu) = try output(of: "layer4.1.relu", in: net)
    let (_, block) = try output(of: "layer4.1", in: net)
    XCTAssertEqual(relu.scalars, block.scalars)
  }

  func testLayerThatIsNotCalledGivesNothing() {
    let unused = ReLU()
    let (_, output) = ActivationTap.output(of: unused) { makeNet()(images) }
    XCTAssertNil(output)
  }
}
