import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelEncoderTests: XCTestCase {
  private func message(
    _ net: any Module, _ pixel: HiddenLayer, _ instance: HiddenLayer = -2,
    inputShape: TensorShape = [16, 16, 3]
  ) -> String {
    do {
      _ = try PixelEncoder(
        checking: net, pixelLayer: pixel, instanceLayer: instance, inputShape: inputShape)
      return ""
    } catch {
      return "\(error)"
    }
  }

  func testBothFeaturesComeFromOnePass() throws {
    let net = Counting(PlainCNN())
    let encoder = PixelEncoder(
      net, pixelLayer: "inner.conv2", instanceLayer: "inner.pool", inputShape: [16, 24, 3])
    XCTAssertEqual(encoder.mapSize, [4, 6])
    XCTAssertEqual(encoder.channels, 8)
    XCTAssertEqual(encoder.instance.width, 8)
    let before = net.calls
    let images = Formula.images("encoder", view: 1, 3, size: [16, 24])
    net.eval()
    let features = encoder(images)
    XCTAssertEqual(net.calls, before + 1)
    XCTAssertEqual(features.pixels.shape, [3, 4, 6, 8])
    XCTAssertEqual(features.instances.shape, [3, 8])
    XCTAssertEqual(encoder.instance(images).scalars, features.instances.scalars)
    let pooled = globalAveragePool(relu(features.pixels)).scalars
    XCTAssertLessThan(relativeError(features.instances.scalars, pooled), 1e-6)
  }

  func testOneLayerCanBeBoth() throws {
    let encoder = PixelEncoder(
      PlainCNN(), pixelLayer: "conv2", instanceLayer: "conv2", inputShape: [16, 16, 3])
    let features = encoder(.ones([2, 16, 16, 3]))
    XCTAssertEqual(features.pixels.flattened(from: 1).scalars, features.instances.scalars)
  }

  func testLayerThatGivesNoMap() {
    for layer: HiddenLayer in ["fc", "dropout"] {
      let message = message(PlainCNN(), layer)
      XCTAssertTrue(message.contains("[count, height, width, channels]"), message)
      XCTAssertTrue(message.contains("for images [16, 16, 3] it has shape [count, "), message)
    }
    let pooled = message(PlainCNN(), "pool")
    XCTAssertTrue(pooled.contains("more than one pixel"), pooled)
    XCTAssertTrue(pooled.contains("[count, 1, 1, 8]"), pooled)
  }

  func testUnknownLayersAreNamed() {
    XCTAssertTrue(message(PlainCNN(), "conv3").contains("no hidden layer is called \"conv3\""))
    XCTAssertTrue(message(PlainCNN(), "conv2", "poool").contains("did you mean \"pool\"?"))
  }

  func testDiscoveryIsChecked() {
    final class Net: Module {
      let conv = Conv2d(3, 4, kernelSize: 1)
      let hidden = { [Conv2d(4, 4, kernelSize: 1)] }()
      let pool = GlobalAveragePool()
      var members: [Member] { [Member("conv", .module(conv)), Member("pool", .module(pool))] }
      func forward(_ x: Tensor) -> Tensor { pool(hidden[0](conv(x))).flattened(from: 1) }
    }
    XCTAssertTrue(message(Net(), "conv", "pool").contains("discovery did not find"))
  }
}
