import Tensor
import XCTest

@testable import Nets

final class SequentialTests: XCTestCase {
  private func make(deep: Bool, wide: Bool) -> Sequential {
    Sequential {
      Linear(2, 2)
      if deep { Tanh() }
      if wide { Sigmoid() } else { ReLU() }
      for _ in 0..<2 { Identity() }
      [Flatten(), Dropout(0)]
    }
  }

  private func types(_ net: Sequential) -> [String] { net.layers.map { "\(type(of: $0))" } }

  func testBuilderKeepsEveryLine() {
    let end = ["Identity", "Identity", "Flatten", "Dropout"]
    XCTAssertEqual(types(make(deep: false, wide: false)), ["Linear", "ReLU"] + end)
    XCTAssertEqual(types(make(deep: true, wide: true)), ["Linear", "Tanh", "Sigmoid"] + end)
  }

  func testRunsInOrderUnderPositions() {
    let net = Sequential {
      Lambda { $0 + 1 }
      Lambda { $0 * 2 }
    }
    XCTAssertEqual(net(Tensor([1])).scalars, [4])
    XCTAssertEqual(net.children.map(\.name), ["0", "1"])
    XCTAssertEqual(Sequential([])(Tensor([1])).scalars, [1])
  }
}
