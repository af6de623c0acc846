import Tensor
import XCTest

@testable import Nets

final class MembersTests: XCTestCase {
  func testLeavesInPropertyOrderUnderTheirNames() {
    final class Net: Module {
      let first = Parameter(.zeros([1]))
      let renamed = Parameter(.zeros([2]), name: "weight")
      let buffer = Buffer(.zeros([3]), name: "running_mean")
      let plain = Buffer(.zeros([4]))
      let number = 3
      let text = "text"
      let tensor = Tensor.zeros([5])
      let closure: (Float) -> Float = { $0 }
      func forward(_ x: Tensor) -> Tensor { x }
    }
    XCTAssertEqual(Net().members.map(\.name), ["first", "weight", "running_mean", "plain"])
  }

  func testContainers() {
    struct Pair {
      let left = Linear(1, 1)
      let right: Parameter? = Parameter(.zeros([1]))
    }
    final class Net: Module {
      let some: Linear? = Linear(1, 1)
      let none: Linear? = nil
      let twice: Linear?? = .some(.some(Linear(1, 1)))
      let array: [any Module] = [ReLU(), Linear(1, 1)]
      let nested = [[Linear(1, 1)], [Linear(1, 1), Linear(1, 1)]]
      let dictionary = ["b": Linear(1, 1), "a": Linear(1, 1)]
      let tuple = (Linear(1, 1), named: ReLU())
      let pair = Pair()
      let numbers = [Float](repeating: 0, count: 1_000_000)
      func forward(_ x: Tensor) -> Tensor { x }
    }
    XCTAssertEqual(
      Net().members.map(\.name),
      [
        "some", "twice", "array.0", "array.1", "nested.0.0", "nested.1.0", "nested.1.1",
        "dictionary.a", "dictionary.b", "tuple.0", "tuple.named", "pair.left", "pair.right",
      ])
  }

  func testEnumerations() {
    enum Head {
      case linear(Linear)
      case none
    }
    final class Net: Module {
      let used = Head.linear(Linear(1, 1))
      let unused = Head.none
      func forward(_ x: Tensor) -> Tensor { x }
    }
    XCTAssertEqual(Net().members.map(\.name), ["used.linear"])
  }

  func testSuperclassComesFirst() {
    class Base: Module {
      let inner = Linear(1, 1)
      func forward(_ x: Tensor) -> Tensor { inner(x) }
    }
    final class Derived: Base {
      let outer = Linear(1, 1)
    }
    XCTAssertEqual(Derived().members.map(\.name), ["inner", "outer"])
  }

  func testLazyPropertyIsFoundOnceMade() {
    final class Net: Module {
      lazy var head = Linear(1, 1)
      func forward(_ x: Tensor) -> Tensor { head(x) }
    }
    let net = Net()
    XCTAssertEqual(net.members.map(\.name), [])
    _ = net(.zeros([1, 1]))
    XCTAssertEqual(net.members.map(\.name), ["head"])
  }

  func testOverriddenMembers() {
    final class Net: Module {
      let hidden = Linear(1, 1)
      var members: [Member] { [Member("head", .module(hidden))] }
      func forward(_ x: Tensor) -> Tensor { hidden(x) }
    }
    XCTAssertEqual(Net().namedParameters.map(\.name), ["head.weight", "head.bias"])
  }
}
