import Tensor
import XCTest

@testable import Nets

final class SummaryTests: XCTestCase {
  func testSummary() {
    let net = MLP([4, 300, 2], batchNorm: true)
    XCTAssertEqual(
      net.summary(),
      """
      layer      type       output    parameters
      (network)  MLP        [1, 2]              
      0          Linear     [1, 300]       1,500
      1          BatchNorm  [1, 300]         600
      2          ReLU       [1, 300]            
      3          Linear     [1, 2]           602
      2,702 parameters
      """)
    XCTAssertEqual(net.modeDependents.map { $0.mode == .training }, [true])
    XCTAssertTrue(net.summary(inputShape: [7, 4]).contains("[7, 300]"))
  }

  func testPrintingDoesNotRunTheNetwork() {
    final class Net: Module {
      let fc = Linear(2, 3)
      var calls = 0
      var exampleShape: TensorShape? { [1, 2] }
      func forward(_ x: Tensor) -> Tensor {
        calls += 1
        return fc(x)
      }
    }
    let net = Net()
    XCTAssertEqual(
      "\(net)",
      """
      layer      type    parameters
      (network)  Net               
      fc         Linear           9
      9 parameters
      """)
    XCTAssertEqual(net.calls, 0)
    _ = net.summary()
    XCTAssertEqual(net.calls, 1)
  }

  func testFrozenParametersAreCounted() {
    let net = Sequential { Linear(1, 1) }
    net.parameters[0].isTrainable = false
    XCTAssertTrue("\(net)".hasSuffix("2 parameters, 1 of them trainable"))
  }

  func testShapesBehindFusedNorms() {
    let net = ResNet.resNet18(stem: .small, width: 4, classCount: 3)
    let lines = net.summary().split(separator: "\n")
    XCTAssertTrue(lines.contains { $0.hasPrefix("layer4.1.bn2") && $0.contains("[1, 4, 4, 32]") })
    XCTAssertEqual(lines.last, "44,391 parameters")
  }
}
