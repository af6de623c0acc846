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
    let runningMean: [Float]?
    let runningVariance: [Float]?
  }

  private let images = Formula.images("resnet", view: 1, 2, size: 64)

  func testResNet18EqualsTorchvisions() throws {
    try check(ResNet.resNet18(), "18", training: 1e-4)
  }

  /// In training mode PyTorch itself is 1.4e-4 from double precision.
  func testResNet50EqualsTorchvisions() throws {
    try check(ResNet.resNet50(), "50", training: 5e-4)
  }

  /// torchvision's `norm_layer=lambda channels: nn.GroupNorm(32, channels)`: group norm alone.
  func testGroupNormResNetEqualsTorchvisions() throws {
    try check(ResNet.resNet18(norm: .group(32)), "18 group", training: 1e-4)
  }

  /// Standardised weights make another network of the same numbers.
  func testStandardizedWeightsMakeAnotherNetwork() throws {
    let nets = [ResNet.Norm.group(32), .groupStandardized(32)].map { ResNet.resNet18(norm: $0) }
    for net in nets { try Formula.fill(net) }
    XCTAssertEqual(nets[0].state.names, nets[1].state.names)
    let logits = withoutGradients { nets.map { $0(images).scalars } }
    XCTAssertGreaterThan(largestError(logits[1], logits[0]), 0.1)
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
    guard let means = reference.runningMean, let variances = reference.runningVariance else {
      return
    }
    let norm = try XCTUnwrap(try HiddenLayer.name("layer4.1.bn2").resolve(in: net) as? BatchNorm)
    let (mean, variance) = (norm.runningMean.value, norm.runningVariance.value)
    XCTAssertLessThan(largestError(Array(mean.scalars[..<32]), means), 1e-4)
    XCTAssertLessThan(largestError(Array(variance.scalars[..<32]), variances), 1e-4)
  }

  private func sampled(_ logits: Tensor, every step: Int = 25) -> [Float] {
    let all = logits.scalars
    return stride(from: 0, to: all.count, by: step).map { all[$0] }
  }

  /// Names, order and shapes of torchvision's `resnet18().state_dict()` and `resnet50().state_dict()`, derived
  /// from its source's rules; `resnets.py check` loads such files into torchvision.
  func testSavedFilesHaveTorchvisionsNamesAndShapes() throws {
    for (net, depths, expansion) in [
      (ResNet.resNet18(), [2, 2, 2, 2], 1), (.resNet50(), [3, 4, 6, 3], 4),
    ] {
      try withTemporaryFolder { folder in
        let path = folder + "/resnet.safetensors"
        try net.save(to: path)
        let saved = try StateDict(contentsOf: path)
        let expected = torchvisionEntries(depths, expansion: expansion)
        XCTAssertEqual(saved.names, expected.map(\.name))
        XCTAssertEqual(saved.entries.map(\.value.shape), expected.map(\.shape))
        let other = depths == [2, 2, 2, 2] ? ResNet.resNet18() : .resNet50()
        try other.load(from: path)
        for (one, two) in zip(net.parameters, other.parameters) {
          XCTAssertEqual(one.value.scalars, two.value.scalars)
        }
      }
    }
  }

  private func torchvisionEntries(
    _ depths: [Int], expansion: Int
  ) -> [(name: String, shape: TensorShape)] {
    var entries: [(name: String, shape: TensorShape)] = []
    func conv(_ name: String, _ outputs: Int, _ inputs: Int, _ size: Int) {
      entries.append((name + ".weight", [outputs, inputs, size, size]))
    }
    func norm(_ name: String, _ width: Int) {
      for leaf in ["weight", "bias", "running_mean", "running_var"] {
        entries.append(("\(name).\(leaf)", [width]))
      }
      entries.append((name + ".num_batches_tracked", []))
    }
    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    var inputs = 64
    for (level, depth) in depths.enumerated() {
      let width = 64 << level
      for block in 0..<depth {
        let name = "layer\(level + 1).\(block)"
        let sizes = expansion == 1 ? [3, 3] : [1, 3, 1]
        var last = inputs
        for (index, size) in sizes.enumerated() {
          let outputs = index == sizes.count - 1 ? width * expansion : width
          conv("\(name).conv\(index + 1)", outputs, last, size)
          norm("\(name).bn\(index + 1)", outputs)
          last = outputs
        }
        if block == 0, inputs != width * expansion || level > 0 {
          conv("\(name).downsample.0", width * expansion, inputs, 1)
          norm("\(name).downsample.1", width * expansion)
        }
        inputs = width * expansion
      }
    }
    entries.append(("fc.weight", [1_000, inputs]))
    entries.append(("fc.bias", [1_000]))
    return entries
  }
}
