import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelBackboneTests: XCTestCase {
  private func message(
    _ net: any Module, _ pixel: HiddenLayer, _ instance: HiddenLayer = -2,
    inputShape: TensorShape = [16, 16, 3]
  ) -> String {
    do {
      _ = try Backbone(
        checking: net, hiddenLayers: [instance, pixel], inputShape: inputShape)
      return ""
    } catch {
      return "\(error)"
    }
  }

  func testBothFeaturesComeFromOnePass() throws {
    let net = Counting(PlainCNN())
    let backbone = Backbone(
      net, hiddenLayers: ["inner.pool", "inner.conv2"], inputShape: [16, 24, 3])
    XCTAssertEqual(backbone.mapShape(ofLayer: 1), [4, 6, 8])
    XCTAssertEqual(backbone.width, 8)
    let before = net.calls
    let images = Formula.images("encoder", view: 1, 3, size: [16, 24])
    net.eval()
    let outputs = backbone.outputs(images)
    XCTAssertEqual(net.calls, before + 1)
    XCTAssertEqual(outputs.map(\.shape), [[3, 1, 1, 8], [3, 4, 6, 8]])
    XCTAssertEqual(backbone(images).scalars, outputs[0].scalars)
    let pooled = globalAveragePool(relu(outputs[1])).scalars
    XCTAssertLessThan(relativeError(outputs[0].scalars, pooled), 1e-6)
  }

  func testOneLayerCanBeBoth() throws {
    let backbone = Backbone(
      PlainCNN(), hiddenLayers: ["conv2", "conv2"], inputShape: [16, 16, 3])
    let outputs = backbone.outputs(.ones([2, 16, 16, 3]))
    XCTAssertEqual(outputs[0].scalars, outputs[1].scalars)
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
