import Tensor
import XCTest

@testable import Nets

final class HiddenLayerTests: XCTestCase {
  private let net = ResNet.resNet18(stem: .small, width: 4, classCount: 3)

  private func message(_ layer: HiddenLayer) -> String {
    do {
      _ = try layer.resolve(in: net)
      return ""
    } catch {
      return "\(error)"
    }
  }

  func testUnknownNameListsNamesNearestFirst() {
    let message = message("layer4.1.bn3")
    XCTAssertTrue(message.hasPrefix("no hidden layer is called \"layer4.1.bn3\"; did you mean"))
    let listed = message.components(separatedBy: "The network has: ").last ?? ""
    let names = listed.components(separatedBy: ", ")
    XCTAssertEqual(names[0].filter { $0 != "1" && $0 != "2" }, "layer4..bn")
    XCTAssertTrue(names.prefix(2).contains("layer4.1.bn2"), names.prefix(2).joined(separator: " "))
    XCTAssertTrue(message.hasSuffix("more"))
    XCTAssertTrue(self.message("avgpol").contains("did you mean \"avgpool\"?"))
    XCTAssertTrue(self.message("").contains("no hidden layer"))
  }

  func testIndexOutOfRange() {
    XCTAssertTrue(message(10).contains("it has 10: conv1, bn1, relu, maxpool, layer1"))
    XCTAssertTrue(message(-11).contains("hidden layer -11"))
    XCTAssertEqual(message(9), "")
    XCTAssertEqual(message(-10), "")
  }

  func testForeignModule() {
    XCTAssertTrue(message(.module(ReLU())).contains("type ReLU is not part of the network"))
  }

  func testNetworkWithoutLayers() {
    do {
      _ = try HiddenLayer.name("a").resolve(in: ReLU())
      XCTFail("a layer was found where there is none")
    } catch {
      XCTAssertTrue("\(error)".contains("no layers by name"))
    }
  }

  func testEditDistance() {
    for (a, b, distance) in [
      ("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2),
    ] {
      XCTAssertEqual(editDistance(a, b), distance, "\(a) \(b)")
    }
  }
}
