import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// Residual networks against torchvision's, with the same weights: `Fixtures/resnets.py`.
final class ResNetParityTests: XCTestCase {
  private struct Reference: Decodable {
    let names: [String]
    let evaluation: [Float]
    let training: [Float]
    let runningMean: [Float]
    let runningVariance: [Float]
  }

  private let images = Formula.images("resnet", view: 1, 2, size: 64)

  func testResNet18EqualsTorchvisions() throws {
    try check(ResNet.resNet18(), "18", training: 1e-4)
  }

  /// In training mode PyTorch itself is 1.4e-4 from double precision.
  func testResNet50EqualsTorchvisions() throws {
    try check(ResNet.resNet50(), "50", training: 5e-4)
  }

  private func check(_ net: ResNet, _ depth: String, training tolerance: Float) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture("resnets.json")))
    let reference = try XCTUnwrap(
      try JSONDecoder().decode([String: Reference].self, from: data)[depth])
    XCTAssertEqual(net.state.names, reference.names)
    try Formula.fill(net)
    let evaluation = withoutGradients { net.evaluating { net(images) } }
    XCTAssertLessThan(largestError(sampled(evaluation), reference.evaluation), 1e-4)
    let training = withoutGradients { net(Formula.images("resnet", view: 1, 8, size: 64)) }
    XCTAssertLessThan(largestError(sampled(training, every: 100), reference.training), tolerance)
    let norm = try XCTUnwrap(try HiddenLayer.name("layer4.1.bn2").resolve(in: net) as? BatchNorm)
    let (mean, variance) = (norm.runningMean.value, norm.runningVariance.value)
    XCTAssertLessThan(largestError(Array(mean.scalars[..<32]), reference.runningMean), 1e-4)
    XCTAssertLessThan(largestError(Array(variance.scalars[..<32]), reference.runningVariance), 1e-4)
  }

  private func sampled(_ logits: Tensor, every step: Int = 25) -> [Float] {
    let all = logits.scalars
    return stride(from: 0, to: all.count, by: step).map { all[$0] }
  }

  /// Writes what `resnets.py check` reads; only when asked for.
  func testSavedFilesForTorchvision() throws {
    guard let folder = ProcessInfo.processInfo.environment["RESNET_FOLDER"] else { return }
    for (depth, net) in [("18", ResNet.resNet18()), ("50", ResNet.resNet50())] {
      try net.save(to: "\(folder)/resnet\(depth).safetensors")
      let logits = withoutGradients { net.evaluating { net(images) } }
      try StateDict([StateDict.Entry("logits", logits)]).write(
        to: "\(folder)/logits\(depth).safetensors")
    }
  }
}
