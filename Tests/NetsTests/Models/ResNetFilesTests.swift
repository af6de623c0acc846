import Tensor
import TestSupport
import XCTest

@testable import Nets

/// What files say a residual network is: by words, or by names and shapes.
final class ResNetFilesTests: XCTestCase {
  private func assertEqual(_ net: ResNet, _ other: ResNet, line: UInt = #line) {
    let images = Tensor(
      (0..<2 * 16 * 16 * 3).map { Float($0 % 97) / 97 }, shape: [2, 16, 16, 3])
    XCTAssertEqual(
      net.evaluating { net(images) }.scalars, other.evaluating { other(images) }.scalars, line: line
    )
  }

  func testArchitecturesFromShapes() throws {
    for depth in ResNet.Depth.allCases where depth.blocks[2] < 23 {
      for (stem, width, channels) in [(ResNet.Stem.small, 2, 1), (.imageNet, 3, 4)] {
        let architecture = ResNet.Architecture(
          depth: depth, stem: stem, width: width, inputChannels: channels)
        let state = architecture(classCount: 2).state
        XCTAssertEqual(state.metadata, [:])
        XCTAssertEqual(try ResNet.Architecture(of: state), architecture)
        XCTAssertEqual(
          try ResNet.Architecture(of: state.removing("fc").renamed { "model.backbone." + $0 }),
          architecture)
      }
    }
  }

  func testNumberedLayersHaveAnArchitectureToo() throws {
    let net = ResNet.resNet18(width: 2, classCount: 2)
    let numbers = [
      "conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7",
    ]
    let state = net.state.removing("fc").renamed { name in
      let first = firstPart(of: name)
      return "backbone." + (numbers[first] ?? "") + name.dropFirst(first.count)
    }
    XCTAssertEqual(try ResNet.Architecture(of: state), net.architecture)
  }

  func testStatesOfOtherNetworks() {
    func message(_ state: StateDict) -> String {
      do { return "\(try ResNet.Architecture(of: state))" } catch { return "\(error)" }
    }
    XCTAssertTrue(message(StateDict()).contains("has no residual network"))
    XCTAssertTrue(message(MLP([2, 3]).state).contains("has no residual network"))
    let deep = ResNet(isBottleneck: true, depths: [3, 4, 36, 3], width: 1, classCount: 1)
    XCTAssertNil(deep.architecture)
    XCTAssertEqual(deep.savedMetadata, [:])
    XCTAssertTrue(
      message(deep.state).contains("has [3, 4, 36, 3] bottleneck blocks; the networks are resnet10")
    )
    let grouped = ResNet.resNet10(width: 2, classCount: 1, norm: .group(2)).state
    XCTAssertTrue(message(grouped).contains("has no running statistics"))
    XCTAssertEqual(
      try ResNet.Architecture(of: grouped, norm: .groupStandardized(2)).norm, .groupStandardized(2))
  }

  /// Words and shapes that ask for a network which the file cannot hold are no reason to make it.
  func testWordsThatAreNotTrue() {
    let net = ResNet.resNet10(stem: .small, width: 4, classCount: 5, norm: .group(2))
    func message(_ key: String, _ value: String) -> String {
      var state = net.state
      state.metadata = net.savedMetadata
      state.metadata[key] = value
      do { return "\(try ResNet.Architecture(of: state))" } catch { return "\(error)" }
    }
    XCTAssertTrue(
      message("width", "100000").contains(
        "conv1.weight needs shape [100000, 3, 3, 3], got [4, 3, 3, 3]"))
    XCTAssertTrue(message("stem", "imagenet").contains("conv1.weight needs shape [4, 3, 7, 7]"))
    XCTAssertTrue(message("norm", "group 3").contains("says that its 4 channels"))
    XCTAssertTrue(message("width", "-1").contains("has no running statistics"))
    XCTAssertTrue(message("width", "4").hasPrefix("resnet10 of width 4 with the small stem"))
    let wide = net.state.entries.map { entry in
      entry.name == "conv1.weight"
        ? StateDict.Entry(entry.name, .zeros([5_000, 3, 3, 3])) : entry
    }
    XCTAssertThrowsError(try ResNet.Architecture(of: StateDict(wide), norm: .batch)) {
      XCTAssertTrue("\($0)".contains("needs shape [40000, 40000, 3, 3], got [32, 32, 3, 3]"))
    }
  }

  func testWordsOfAnArchitecture() {
    for norm in [ResNet.Norm.batch, .group(2), .groupStandardized(4)] {
      let architecture = ResNet.Architecture(
        depth: .resNet34, stem: .small, width: 8, inputChannels: 1, norm: norm)
      XCTAssertEqual(ResNet.Architecture(metadata: architecture.metadata), architecture)
    }
    XCTAssertEqual(
      ResNet.Architecture(depth: .resNet50).metadata,
      [
        "network": "resnet50", "stem": "imagenet", "width": "64", "input_channels": "3",
        "norm": "batch",
      ])
    var words = ResNet.Architecture(depth: .resNet50).metadata
    words["norm"] = "group 0"
    XCTAssertNil(ResNet.Architecture(metadata: words))
  }

  /// A file that `save(to:)` wrote is enough to have the network again, also with group norm.
  func testSavedNetworksComeBack() throws {
    try withTemporaryFolder { folder in
      for norm in [ResNet.Norm.batch, .group(2), .groupStandardized(2)] {
        let net = ResNet.resNet10(stem: .small, width: 4, classCount: 5, norm: norm)
        try net.save(to: folder + "/net.safetensors")
        let again = try ResNet(contentsOf: folder + "/net.safetensors")
        XCTAssertEqual(again.architecture, net.architecture)
        assertEqual(again, net)
      }
    }
  }

  /// Without a classifier the features are the file's, and the classifier is new.
  func testFilesWithoutAClassifier() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/net.safetensors"
      let net = ResNet.resNet10(stem: .small, width: 4, classCount: 5)
      try net.state.removing("fc").write(to: path)
      let again = try ResNet(contentsOf: path, classCount: 7)
      XCTAssertEqual(again.fc.weight.shape, [7, 32])
      XCTAssertEqual(again.state["conv1.weight"]?.scalars, net.state["conv1.weight"]?.scalars)
      XCTAssertEqual(try ResNet(contentsOf: path).fc.weight.shape, [1_000, 32])
      XCTAssertThrowsError(try ResNet(contentsOf: folder + "/nothing"))
      try MLP([2, 3]).save(to: path)
      XCTAssertThrowsError(try ResNet(contentsOf: path)) {
        XCTAssertTrue(
          "\($0)".hasPrefix(path + " does not fit: it has no residual network"), "\($0)")
      }
    }
  }
}
