import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// Vision transformers against those of timm, torchvision and Hugging Face, with the same weights:
/// `Fixtures/vision_transformers.py`.
final class VisionTransformerParityTests: XCTestCase {
  private struct Reference: Decodable {
    let names: [String]
    let shapes: [[Int]]
    let output: [Float]
    /// Images of 40x64 and of 16x24 pixels, for whose patches the positions are resized.
    let wide: [Float]?
    let low: [Float]?
    /// `Formula.digest` of each parameter's gradient.
    let gradients: [String: [Double]]?

    /// The state whose numbers follow from its names.
    var state: StateDict {
      StateDict(
        zip(names, shapes).map {
          StateDict.Entry($0, Formula.entry($0, TensorShape($1)))
        })
    }
  }

  private func references() throws -> [String: Reference] {
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture("vision_transformers.json")))
    return try JSONDecoder().decode([String: Reference].self, from: data)
  }

  private func images(_ height: Int, _ width: Int) -> Tensor {
    let side = max(height, width)
    return Formula.images("vit", view: 1, 2, size: Size2D(side))
      .cropped(at: [0, 0, 0, 0], shape: [2, height, width, 3])
  }

  /// Outputs at three sizes, gradients, and the names that a state dictionary of timm has.
  func testNetworksEqualTimms() throws {
    for (name, reference) in try references() where reference.gradients != nil {
      let architecture = try VisionTransformer.Architecture(of: reference.state)
      let net = architecture(classCount: 5)
      XCTAssertEqual(Set(net.state.names), Set(reference.names), name)
      try net.load(reference.state)
      let logits = net(images(32, 32))
      XCTAssertLessThan(largestError(logits.scalars, reference.output), 2e-6, name)
      (logits * logits).sum().backward()
      for (parameter, digest) in try XCTUnwrap(reference.gradients) {
        let found = try XCTUnwrap(net.namedParameters.first { $0.name == parameter }).parameter
        let gradient = try XCTUnwrap(found.gradient, parameter)
        let stored = found.layout == .same ? gradient : gradient.permuted([0, 3, 1, 2])
        for (mine, theirs) in zip(Formula.digest(stored.scalars), digest) {
          XCTAssertEqual(mine, theirs, accuracy: 1e-5 * digest[0], "\(name), \(parameter)")
        }
      }
      withoutGradients {
        XCTAssertLessThan(
          largestError(net(images(40, 64)).scalars, reference.wide ?? []), 2e-6, name)
        XCTAssertLessThan(
          largestError(net(images(16, 24)).scalars, reference.low ?? []), 2e-6, name)
      }
    }
  }

  func testArchitecturesFromTimmsNamesAndShapes() throws {
    let states = try references().mapValues(\.state)
    func architecture(_ name: String) throws -> VisionTransformer.Architecture {
      try VisionTransformer.Architecture(of: XCTUnwrap(states[name]))
    }
    let plain = VisionTransformer.Architecture(
      patchSize: 8, width: 128, depth: 2, headCount: 2, grid: 4)
    XCTAssertEqual(try architecture("plain"), plain)
    var registers = plain
    (registers.registerCount, registers.positionedPrefix) = (4, 0)
    registers.hasLayerScale = true
    XCTAssertEqual(try architecture("registers"), registers)
    (registers.registerCount, registers.positionedPrefix) = (2, 3)
    XCTAssertEqual(try architecture("positioned registers"), registers)
    var average = plain
    (average.hasClassToken, average.positionedPrefix) = (false, 0)
    average.pooling = .average
    XCTAssertEqual(try architecture("average of normed"), average)
    (average.normalizesPooled, average.hasQKVBias) = (true, false)
    XCTAssertEqual(try architecture("average"), average)
    registers.registerCount = 4
    registers.positionedPrefix = 1
    XCTAssertEqual(try architecture("Dinov2WithRegisters"), registers)
  }

  func testNetworkOfTorchvision() throws {
    let reference = try XCTUnwrap(try references()["torchvision"])
    let net = try VisionTransformer.Architecture(of: reference.state)(classCount: 5)
    XCTAssertEqual(try net.loadPretrained(reference.state).leftOut, [])
    XCTAssertLessThan(largestError(net(images(32, 32)).scalars, reference.output), 2e-6)
  }

  /// Their features are those of the class token behind the last norm.
  func testNetworksOfHuggingFace() throws {
    for name in ["ViT", "Dinov2", "Dinov2WithRegisters"] {
      let reference = try XCTUnwrap(try references()[name])
      for older in [false, true] {
        let state = older ? reference.state.renamed(nameOfOlderVersion) : reference.state
        let net = try VisionTransformer.Architecture(of: state)(classCount: 128)
        XCTAssertEqual(try net.loadPretrained(state).leftOut, ["head.weight", "head.bias"])
        net.head.weight.value = .identity(128)
        net.head.bias?.value = .zeros([128])
        XCTAssertLessThan(largestError(net(images(32, 32)).scalars, reference.output), 2e-6, name)
      }
    }
  }

  /// The names in the files of transformers 4, which are those that are published.
  private func nameOfOlderVersion(_ name: String) -> String {
    var name = name.replacing(/^layers\./, with: "encoder.layer.")
    for (new, old) in [
      ("attention.q_proj", "attention.attention.query"),
      ("attention.k_proj", "attention.attention.key"),
      ("attention.v_proj", "attention.attention.value"),
      ("attention.o_proj", "attention.output.dense"),
    ] {
      name = name.replacing(new, with: old)
    }
    return name
  }
}
