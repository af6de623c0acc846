import Tensor
import XCTest

@testable import Nets

final class ModuleTests: XCTestCase {
  /// Products of a loss are exact, those of a network that it calls round as they do outside.
  func testModulesRoundInsideOfExactProducts() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    var stream = RandomStream(seed: 1)
    let x = Tensor.normal([70, 64], using: &stream)
    let layer = Linear(64, 64)
    let exact = layer(x).scalars
    let rounded = withMatmulPrecision(.bfloat16) { layer(x).scalars }
    XCTAssertNotEqual(rounded, exact)
    let found = withMatmulPrecision(.bfloat16) {
      withExactProducts {
        (layer(x).scalars, linear(x, layer.weight.value, bias: layer.bias?.value))
      }
    }
    XCTAssertEqual(found.0, rounded)
    XCTAssertEqual(found.1.scalars, exact)
  }

  func testNamesAreNested() {
    final class Block: Module {
      let conv = Conv2d(1, 1, kernelSize: 1, bias: false)
      let norm = BatchNorm(1)
      func forward(_ x: Tensor) -> Tensor { norm(conv(x)) }
    }
    final class Net: Module {
      let blocks = Sequential([Block(), Block()])
      func forward(_ x: Tensor) -> Tensor { blocks(x) }
    }
    let net = Net()
    XCTAssertEqual(
      net.namedModules.map(\.name),
      [
        "", "blocks", "blocks.0", "blocks.0.conv", "blocks.0.norm", "blocks.1", "blocks.1.conv",
        "blocks.1.norm",
      ])
    XCTAssertEqual(
      net.namedBuffers.map(\.name).suffix(3),
      ["running_mean", "running_var", "num_batches_tracked"].map { "blocks.1.norm.\($0)" })
    XCTAssertEqual(net.parameterCount, 6)
  }

  func testOwnLeavesComeBeforeThoseOfChildren() {
    final class Net: Module {
      let child = Linear(1, 1)
      let token = Parameter(.zeros([1]))
      func forward(_ x: Tensor) -> Tensor { child(x) * token.value }
    }
    XCTAssertEqual(Net().namedParameters.map(\.name), ["token", "child.weight", "child.bias"])
  }

  func testSharedModuleHasTwoNamesAndOneSetOfParameters() {
    final class Net: Module {
      let first: Linear
      let second: Linear
      init() {
        first = Linear(2, 2)
        second = first
      }
      func forward(_ x: Tensor) -> Tensor { second(first(x)) }
    }
    let net = Net()
    XCTAssertEqual(net.namedParameters.count, 4)
    XCTAssertEqual(net.parameters.count, 2)
    XCTAssertEqual(net.parameterCount, 6)
  }

  func testReferenceBackIsNotFollowed() {
    final class Child: Module {
      weak var parent: Parent?
      let weight = Parameter(.zeros([1]))
      func forward(_ x: Tensor) -> Tensor { x }
    }
    final class Parent: Module {
      let child = Child()
      func forward(_ x: Tensor) -> Tensor { child(x) }
    }
    let parent = Parent()
    parent.child.parent = parent
    XCTAssertEqual(parent.namedModules.map(\.name), ["", "child"])
    XCTAssertEqual(parent.namedParameters.map(\.name), ["child.weight"])
  }
}
