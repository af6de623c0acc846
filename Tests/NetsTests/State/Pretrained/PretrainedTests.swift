import Tensor
import XCTest

@testable import Nets

/// Weights as other programs name them, found by `loadPretrained` with nothing else said.
final class PretrainedTests: XCTestCase {
  private func makeNet(classes: Int = 3, width: Int = 2) -> ResNet {
    .resNet10(stem: .small, width: width, classCount: classes)
  }

  /// A network whose running statistics are no others', so that a missing one shows.
  private func other(classes: Int = 3) -> ResNet {
    let net = makeNet(classes: classes)
    for (index, buffer) in net.buffers.enumerated() where buffer.elementType == .float32 {
      let count = buffer.value.elementCount
      buffer.value = Tensor(
        [Float](repeating: Float(index) + 0.5, count: count), shape: buffer.value.shape)
    }
    return net
  }

  private func below(_ prefix: String, _ state: StateDict) -> StateDict {
    state.renamed { prefix + "." + $0 }
  }

  private func joined(_ parts: StateDict...) -> StateDict {
    StateDict(parts.flatMap(\.entries))
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  /// Compares all that is left of both states behind a load.
  private func assertEqual(
    _ net: ResNet, _ other: StateDict, line: UInt = #line
  ) {
    for entry in other.entries {
      XCTAssertEqual(
        net.state[entry.name]?.scalars, entry.value.scalars, entry.name, line: line)
    }
  }

  func testPrefixes() throws {
    let count = makeNet().state.withoutCounts.count
    for prefix in [
      "module", "_orig_mod", "backbone", "model.backbone", "module.encoder_q", "learner.net",
      "module.base_encoder", "online_encoder.net", "state_dict.model._orig_mod.backbone",
    ] {
      let (net, other) = (makeNet(), other())
      let load = try net.loadPretrained(below(prefix, other.state))
      XCTAssertEqual(load.prefix, prefix)
      XCTAssertEqual(load.loaded.count, count)
      XCTAssertEqual(
        "\(load)", "loaded \(count) of \(count) tensors below \"\(prefix).\"")
      assertEqual(net, other.state)
    }
  }

  func testNamesAsTheyAre() throws {
    let (net, other) = (makeNet(), other())
    let load = try net.loadPretrained(other.state)
    XCTAssertEqual(load.prefix, "")
    XCTAssertEqual(load.leftOut + load.unused + load.otherPrefixes, [])
    assertEqual(net, other.state)
  }

  /// lightly's `nn.Sequential(*list(resnet.children())[:-1])`: numbers instead of names.
  func testNumberedLayers() throws {
    let numbers = [
      "conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7",
    ]
    let (net, other) = (makeNet(), other())
    let features = other.state.removing("fc")
    let numbered = features.renamed { name in
      let first = firstPart(of: name)
      return "backbone." + (numbers[first] ?? "") + name.dropFirst(first.count)
    }
    XCTAssertNotNil(numbered["backbone.4.0.conv1.weight"])
    let head = StateDict([.init("projection_head.layers.0.weight", .zeros([8, 16]))])
    let load = try net.loadPretrained(joined(numbered, head))
    XCTAssertTrue(load.isNumbered)
    XCTAssertEqual(load.prefix, "backbone")
    XCTAssertEqual(load.leftOut, ["fc.weight", "fc.bias"])
    XCTAssertEqual(load.loaded.count, features.withoutCounts.count)
    assertEqual(net, features)
    XCTAssertTrue("\(load)".contains("below \"backbone.\", its numbered layers"), "\(load)")
  }

  /// Of the two networks of a method the one that its users take; in either order in the file.
  func testTheNetworkThatPeopleUse() throws {
    for (wanted, beside) in [
      ("module.encoder_q", "module.encoder_k"), ("module.base_encoder", "module.momentum_encoder"),
      ("teacher.backbone", "student.module.backbone"), ("backbone", "backbone_momentum"),
      ("online_encoder.net", "target_encoder.net"), ("teacher_backbone", "student_backbone"),
      ("state_dict_ema", "state_dict"),
    ] {
      for isFirst in [true, false] {
        let (net, other, rival) = (makeNet(), other(), makeNet())
        let parts = [below(wanted, other.state), below(beside, rival.state)]
        let load = try net.loadPretrained(
          StateDict((isFirst ? parts : parts.reversed()).flatMap(\.entries)))
        XCTAssertEqual(load.prefix, wanted)
        XCTAssertEqual(load.otherPrefixes, [beside])
        XCTAssertTrue(
          "\(load)".hasSuffix("; not taken: \"\(beside).\", which would fit as well"), "\(load)")
        assertEqual(net, other.state)
      }
    }
  }

  /// A teacher of another width has all the names too, and is not taken.
  func testTheOneThatFits() throws {
    let (net, other) = (makeNet(), other())
    let load = try net.loadPretrained(
      joined(below("teacher", makeNet(width: 4).state), below("student", other.state)))
    XCTAssertEqual(load.prefix, "student")
    XCTAssertEqual(load.otherPrefixes, [])
    assertEqual(net, other.state)
  }

  func testAClassifierOfOtherClasses() throws {
    let (net, other) = (makeNet(classes: 3), other(classes: 5))
    let mine = try XCTUnwrap(net.state["fc.weight"]).scalars
    let load = try net.loadPretrained(other.state)
    XCTAssertEqual(load.leftOut, ["fc.weight", "fc.bias"])
    XCTAssertEqual(load.unused, ["fc.weight", "fc.bias"])
    XCTAssertEqual(net.state["fc.weight"]?.scalars, mine)
    assertEqual(net, other.state.removing("fc"))
  }

  /// MoCo v2 has two layers in the classifier's place.
  func testAHeadInTheClassifiersPlace() throws {
    let (net, other) = (makeNet(), other())
    let head = StateDict([
      .init("fc.0.weight", .zeros([16, 16])), .init("fc.2.weight", .zeros([8, 16])),
      .init("queue", .zeros([8, 9])),
    ])
    let load = try net.loadPretrained(joined(other.state.removing("fc"), head))
    XCTAssertEqual(load.leftOut, ["fc.weight", "fc.bias"])
    XCTAssertEqual(load.unused, ["fc.0.weight", "fc.2.weight", "queue"])
  }

  func testOtherNetworksAreRefusedAndNothingChanges() {
    let net = makeNet()
    let before = net.state.entries.map(\.value.scalars)
    XCTAssertTrue(
      message { try net.loadPretrained(makeNet(width: 4).state) }
        .contains("has other shapes: conv1.weight needs shape [2, 3, 3, 3], got [4, 3, 3, 3]"))
    let deeper = ResNet.resNet18(stem: .small, width: 2, classCount: 3).state
    XCTAssertTrue(
      message { try net.loadPretrained(deeper) }
        .contains("has layer1.1.conv1.weight, layer1.1.bn1.weight"))
    XCTAssertTrue(
      message { try net.loadPretrained(other().state.removing("layer3.0.bn2")) }
        .contains("lacks layer3.0.bn2.weight"))
    let stranger = StateDict([.init("embeddings.weight", .zeros([2, 2]))])
    XCTAssertTrue(
      message { try net.loadPretrained(stranger) }.hasSuffix("it has none of the network's names"))
    XCTAssertEqual(net.state.entries.map(\.value.scalars), before)
  }

  /// A network that does not end in a linear layer has no classifier to leave out.
  func testWithoutAClassifierAllIsNeeded() throws {
    func make() -> Sequential {
      Sequential {
        Conv2d(1, 2, kernelSize: 3)
        BatchNorm(2)
      }
    }
    let (net, other) = (make(), make())
    XCTAssertTrue(
      message { try net.loadPretrained(other.state.removing("1")) }.contains("lacks 1.weight"))
    let load = try net.loadPretrained(below("net", other.state))
    XCTAssertEqual("\(load)", "loaded 6 of 6 tensors below \"net.\"")
    XCTAssertEqual(net.state["0.weight"]?.scalars, other.state["0.weight"]?.scalars)
  }
}
