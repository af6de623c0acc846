import Tensor
import TestSupport
import XCTest

@testable import Nets

/// What vision transformers are made of, and what files of them say.
final class VisionTransformerTests: XCTestCase {
  private var small: VisionTransformer.Architecture {
    VisionTransformer.Architecture(patchSize: 4, width: 12, depth: 2, headCount: 3, grid: [2, 3])
  }

  /// Heads and a grid that is no square are in a file's words alone.
  func testNetworksSurviveTheirFiles() throws {
    var averaged = small
    (averaged.pooling, averaged.normalizesPooled) = (.average, true)
    (averaged.registerCount, averaged.positionedPrefix) = (2, 0)
    (averaged.hasQKVBias, averaged.hasLayerScale, averaged.inputChannels) = (false, true, 1)
    for architecture in [small, averaged] {
      try withTemporaryFolder { folder in
        let net = architecture(classCount: 5)
        try net.save(to: folder + "/net.safetensors")
        let read = try VisionTransformer(contentsOf: folder + "/net.safetensors")
        XCTAssertEqual(read.architecture, architecture)
        let images = Formula.images(
          "net", view: 1, 2, size: [8, 12], channels: architecture.inputChannels)
        XCTAssertEqual(net(images).scalars, read(images).scalars)
        let other = try VisionTransformer(contentsOf: folder + "/net.safetensors", classCount: 7)
        XCTAssertEqual(other(images).shape, [2, 7])
        let (kind, any) = try NetworkArchitecture.network(contentsOf: folder + "/net.safetensors")
        XCTAssertEqual(kind, .visionTransformer(architecture))
        XCTAssertEqual(any.state.names, net.state.names)
      }
    }
  }

  func testTheArchitectureOfAStateIsThatOfItsNetwork() throws {
    let resNet = ResNet.resNet10(width: 2, classCount: 2)
    XCTAssertEqual(
      try NetworkArchitecture(of: resNet.state), resNet.architecture.map { .resNet($0) })
    let net = VisionTransformer.tiny(patchSize: 8, imageSize: 16, classCount: 2)
    XCTAssertEqual(
      try NetworkArchitecture(of: net.state.renamed { "model.backbone." + $0 }),
      .visionTransformer(net.architecture))
    XCTAssertEqual(net.architecture.headCount, 3)
    XCTAssertThrowsError(try NetworkArchitecture(of: MLP([2, 3]).state))
  }

  func testNamesOfNetworks() {
    XCTAssertEqual(NetworkName(rawValue: "vit-small"), .visionTransformer(.small))
    XCTAssertEqual(NetworkName(rawValue: "resnet18"), .resNet(.resNet18))
    XCTAssertNil(NetworkName(rawValue: "vit"))
    for name in NetworkName.allCases { XCTAssertEqual(NetworkName(rawValue: name.rawValue), name) }
    XCTAssertNil(NetworkArchitecture.visionTransformer(small).name)
    XCTAssertEqual(
      NetworkArchitecture.visionTransformer(VisionTransformer.tiny(imageSize: 32).architecture)
        .name,
      .visionTransformer(.tiny))
  }

  /// Parts that would change what the network computes are not passed over.
  func testStatesOfOtherTransformers() throws {
    var wide = small
    (wide.width, wide.headCount, wide.grid) = (64, 1, 3)
    let state = wide(classCount: 2).state
    func message(_ change: (inout [StateDict.Entry]) -> Void) -> String {
      var entries = state.entries
      change(&entries)
      do {
        return "\(try VisionTransformer.Architecture(of: StateDict(entries)))"
      } catch { return "\(error)" }
    }
    XCTAssertEqual(
      message { _ in },
      "a vision transformer of width 64 and depth 2 with patches of 4 for images of 3 channels")
    func added(_ name: String) -> String { message { $0.append(.init(name, .zeros([1]))) } }
    XCTAssertTrue(added("norm_pre.weight").contains("has a norm in front of the blocks"))
    XCTAssertTrue(added("dist_token").contains("a distillation token"))
    XCTAssertTrue(added("blocks.0.mlp.w12.weight").contains("gated layers"))
    XCTAssertTrue(added("attn_pool.latent").contains("a pool by attention"))
    XCTAssertTrue(
      message { $0.removeAll { $0.name == "pos_embed" } }.contains("has no position embedding"))
    XCTAssertTrue(
      message { entries in
        entries.removeAll { $0.name == "pos_embed" }
        entries.append(.init("pos_embed", .zeros([1, 8, 64])))
      }.contains("has a position embedding of shape [1, 8, 64]"))
    XCTAssertTrue(
      message { entries in
        entries = small(classCount: 2).state.entries
      }.contains("has tokens of 12 features, which is no multiple of 64"))
    XCTAssertTrue(message { $0.removeAll() }.contains("has no vision transformer"))
    // Names and words alone ask for no memory.
    XCTAssertTrue(
      message { $0.append(.init("blocks.2.norm1.weight", .ones([64]))) }
        .contains("blocks.2.attn.qkv.weight"))
    var words = state
    words.metadata = ["grid": "9223372036854775807x2", "heads": "1"]
    XCTAssertEqual(try VisionTransformer.Architecture(of: words).grid, 3)
    words.metadata["heads"] = "-1"
    XCTAssertThrowsError(try VisionTransformer.Architecture(of: words))
    // Norms of queries and keys, as some of timm's networks have.
    let normed = StateDict(state.entries + [.init("blocks.0.attn.q_norm.weight", .ones([64]))])
    XCTAssertThrowsError(try wide(classCount: 2).loadPretrained(normed)) { error in
      XCTAssertTrue("\(error)".contains("blocks.0.attn.q_norm.weight"), "\(error)")
    }
  }

  /// The positions of a larger image are those of the grid, resized; of the grid's own, themselves.
  func testTokensOfImagesOfOtherSizes() {
    let net = small(classCount: 2)
    let tokens = withoutGradients {
      ActivationTap.output(of: net.blocks) { _ = net(.zeros([1, 16, 16, 3])) }.output
    }
    XCTAssertEqual(tokens?.shape, [1, 17, 12])
    XCTAssertEqual(net.exampleShape, [1, 8, 12, 3])
    XCTAssertTrue(net.isSampleIndependent)
  }

  func testNormalizationBecomesPartOfTheNetwork() throws {
    let net = small(classCount: 4)
    try Formula.fill(net)
    let images = Formula.images("net", view: 1, 2, size: [8, 12])
    let (mean, deviation): ([Float], [Float]) = ([0.5, 0.4, 0.1], [0.2, 0.25, 2])
    let expected = net((images - Tensor(mean)) / Tensor(deviation))
    net.absorbNormalization(mean: mean, standardDeviation: deviation)
    XCTAssertLessThan(largestError(net(images).scalars, expected.scalars), 1e-5)
    XCTAssertTrue(net.parameters.allSatisfy(\.isTrainable))
  }

  func testInitialWeights() {
    let net = VisionTransformer.tiny(patchSize: 8, imageSize: 16, classCount: 10)
    func deviation(_ x: Tensor) -> Float {
      (x.scalars.reduce(0) { $0 + $1 * $1 } / Float(x.elementCount)).squareRoot()
    }
    for (name, parameter) in net.namedParameters where name.hasSuffix("weight") {
      guard parameter.value.rank == 2 else { continue }
      XCTAssertEqual(deviation(parameter.value), 0.02, accuracy: 0.001, name)
    }
    XCTAssertEqual(deviation(net.positionEmbedding.value), 0.02, accuracy: 0.002)
    XCTAssertEqual(net.head.bias?.value.scalars, [Float](repeating: 0, count: 10))
  }
}
