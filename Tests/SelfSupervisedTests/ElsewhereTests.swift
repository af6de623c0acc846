import Foundation
import SelfSupervised
import Tensor
import TestSupport
import XCTest

final class ElsewhereTests: XCTestCase {
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
