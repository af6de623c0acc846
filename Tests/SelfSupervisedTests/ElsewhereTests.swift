import Foundation
import TestSupport
import XCTest

@testable import SelfSupervised

/// The lines of the article Elsewhere.
final class ElsewhereTests: XCTestCase {
  func testBothWaysToHaveTheNetworkAgain() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/backbone.safetensors"
      try ResNet.resNet10(stem: .small, width: 16).state.removing("fc").write(to: path)
      let short = try ResNet(contentsOf: path)
      let images = Tensor(
        (0..<32 * 32 * 3).map { Float($0 % 11) / 11 }, shape: [1, 32, 32, 3])

      let net = ResNet(depth: .resNet10, stem: .small, width: 16, inputChannels: 3)
      let load = try net.loadPretrained(from: path)
      print(load)
      let backbone = Backbone(net, hiddenLayers: ["avgpool"], inputShape: [32, 32, 3])
      let features = net.evaluating { backbone(images) }

      XCTAssertEqual(
        "\(load)", "loaded 60 of 62 tensors; left out: fc.weight, fc.bias")
      let other = Backbone(short, hiddenLayers: ["avgpool"], inputShape: [32, 32, 3])
      XCTAssertEqual(features.shape, [1, 128])
      XCTAssertEqual(features.scalars, short.evaluating { other(images) }.scalars)
    }
  }

  /// What the article shows.
  func testALearnersNetworkAndHeadBecomeModels() throws {
    try withTemporaryFolder { folder in
      let net = ResNet.resNet10(stem: .small, width: 4)
      let learner = SimCLR(net, imageSize: 16, hiddenLayer: "avgpool", seed: 1)
      try net.exportONNX(to: "\(folder)/features.onnx", imageSize: 32, hiddenLayer: "avgpool")
      try learner.projector.exportONNX(to: "\(folder)/projector.onnx", inputShape: [32])
      for (name, weights) in [
        ("features", net.layer4[0].parameters), ("projector", learner.projector.parameters),
      ] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).onnx"))
        let weight = weights[0].value.permuted(weights[0].shape.rank == 4 ? [0, 3, 1, 2] : [0, 1])
        let numbers = weight.withUnsafeBufferPointer { Data(buffer: $0) }
        XCTAssertNotNil(bytes.range(of: numbers), name)
      }
    }
  }
}
