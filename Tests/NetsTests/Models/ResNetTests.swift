import Tensor
import XCTest

@testable import Nets

final class ResNetTests: XCTestCase {
  /// sum(p.numel() for p in torchvision.models.resnet34().parameters()); it has no ResNet-10.
  func testParameterCountsAreTorchvisions() {
    let counts: [ResNet.Depth: Int] = [
      .resNet18: 11_689_512, .resNet34: 21_797_672, .resNet50: 25_557_032, .resNet101: 44_549_160,
      .resNet152: 60_192_808,
    ]
    for (depth, count) in counts { XCTAssertEqual(depth().parameterCount, count, depth.rawValue) }
  }

  func testDepthsByName() throws {
    XCTAssertEqual(
      ResNet.Depth.allCases.map(\.rawValue),
      ["resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
    for depth in ResNet.Depth.allCases {
      let net = ResNet(depth: depth, stem: .small, width: 2, inputChannels: 1, classCount: 3)
      let blocks = [net.layer1, net.layer2, net.layer3, net.layer4].map(\.layers.count)
      XCTAssertEqual(blocks, depth.blocks)
      XCTAssertEqual(net(.zeros([2, 8, 8, 1])).shape, [2, 3])
    }
    XCTAssertNil(ResNet.Depth(rawValue: "resnet7"))
  }

  func testTheThreeSpellingsMakeTheSameNetwork() {
    let nets = [
      { ResNet.resNet10(stem: .small, width: 4, classCount: 3) },
      { ResNet(depth: .resNet10, stem: .small, width: 4, classCount: 3) },
      {
        ResNet(
          isBottleneck: false, depths: [1, 1, 1, 1], stem: .small, width: 4, classCount: 3)
      },
    ].map { make in withRandomSeed(5) { make() }.state }
    for net in nets {
      XCTAssertEqual(net.names, nets[0].names)
      XCTAssertEqual(net.entries.map(\.value.scalars), nets[0].entries.map(\.value.scalars))
    }
  }
}
