import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class BackboneTests: XCTestCase {
  private func message(
    _ net: any Module, _ layer: HiddenLayer = -1, inputShape: TensorShape = [4]
  ) -> String {
    do {
      _ = try Backbone(checking: net, hiddenLayers: [layer], inputShape: inputShape)
      return ""
    } catch {
      return "\(error)"
    }
  }

  func testWidthIsThatOfTheTappedLayer() throws {
    let net = PlainCNN()
    for (layer, width): (HiddenLayer, Int) in [
      ("pool", 8), ("conv2", 4 * 6 * 8), ("norm", 8 * 12 * 6), (-1, 3), (.module(net.fc), 3),
    ] {
      let encoder = try Backbone(checking: net, hiddenLayers: [layer], inputShape: [16, 24, 3])
      XCTAssertEqual(encoder.width, width)
      XCTAssertEqual(encoder(.ones([2, 16, 24, 3])).shape, [2, width])
    }
  }

  func testUnknownLayer() {
    let message = message(PlainCNN(), "poool", inputShape: [16, 16, 3])
    XCTAssertTrue(message.contains("did you mean \"pool\"? The network has: pool, "), message)
  }

  func testNetworkWithoutParameters() {
    XCTAssertTrue(message(ReLU()).contains("needs a network with parameters; ReLU has none"))
  }

  func testLayerThatIsNeverCalled() {
    final class Net: Module {
      let used = Linear(4, 4)
      let last = ReLU()
      let hidden = Linear(4, 4)
      func forward(_ x: Tensor) -> Tensor { last(hidden.forward(used(x))) }
    }
    let message = message(Net(), "hidden")
    XCTAssertTrue(
      message.contains(
        "the hidden layer \"hidden\" of type Linear was never called when the network ran on an input"
      ),
      message)
    XCTAssertTrue(
      message.hasSuffix(
        "; these were: used, last. Call layers as layer(x): layer.forward(x) is not seen"), message)
  }

  func testHiddenParameterNamesTheOperation() {
    let hidden = Linear(4, 4)
    let net = Sequential {
      Linear(4, 4)
      Lambda { hidden($0) }
    }
    let message = message(net)
    XCTAssertTrue(message.contains("a trainable parameter of shape [4, 4] in linear("), message)
    XCTAssertTrue(message.contains("discovery did not find"), message)
    for parameter in hidden.parameters { parameter.isTrainable = false }
    XCTAssertEqual(self.message(net), "")
  }

  /// Behind the tapped layer it is used all the same.
  func testHiddenParameterBehindTheTappedLayer() {
    let hidden = Linear(4, 4)
    let net = Sequential {
      Linear(4, 4)
      Lambda { hidden($0) }
    }
    XCTAssertTrue(message(net, 0).contains("discovery did not find"))
  }

  func testHiddenBatchNormIsReportedRatherThanTrapped() {
    let hidden = BatchNorm(4)
    let net = Sequential {
      Linear(4, 4)
      Lambda { hidden($0) }
    }
    XCTAssertTrue(message(net).contains("in batchNorm "))
  }
}
