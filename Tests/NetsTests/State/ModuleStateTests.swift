import Tensor
import TestSupport
import XCTest

@testable import Nets

final class ModuleStateTests: XCTestCase {
  private func makeNet() -> Sequential {
    Sequential {
      Conv2d(2, 3, kernelSize: [3, 5])
      BatchNorm(3)
      Flatten()
      Linear(3, 2)
    }
  }

  private func bits(_ net: any Module) -> [[UInt32]] {
    (net.parameters.map(\.value) + net.buffers.map(\.value)).map { $0.scalars.map(\.bitPattern) }
  }

  func testKernelsAreStoredAsTorchs() throws {
    let net = Conv2d(2, 3, kernelSize: [1, 5], bias: false)
    let stored = try XCTUnwrap(net.state["weight"])
    XCTAssertEqual(stored.shape, [3, 2, 1, 5])
    // Output 1, input 1, column 3.
    XCTAssertEqual(
      stored.scalars[(1 * 2 + 1) * 5 + 3], net.weight.value.scalars[(1 * 5 + 3) * 2 + 1])
  }

  func testSaveAndLoadBitForBit() throws {
    let (net, copy) = (makeNet(), makeNet())
    _ = net(Formula.images("state", view: 1, 4, size: [3, 5], channels: 2))
    try withTemporaryFolder { folder in
      try net.save(to: folder + "/net")
      try copy.load(from: folder + "/net")
    }
    XCTAssertEqual(bits(copy), bits(net))
    XCTAssertEqual(copy.state["1.num_batches_tracked"]?.item, 1)
  }

  func testStateIsASnapshot() throws {
    let net = makeNet()
    let (state, before) = (net.state, bits(net))
    for parameter in net.parameters { parameter.gradient = .ones(parameter.shape) }
    SGD(net.parameters, learningRate: 1).step()
    XCTAssertNotEqual(bits(net), before)
    try net.load(state)
    XCTAssertEqual(bits(net), before)
  }

  func testFailedLoadSaysWhatDiffersAndChangesNothing() throws {
    let net = makeNet()
    let before = bits(net)
    var entries = makeNet().state.entries.filter { $0.name != "1.weight" && $0.name != "3.bias" }
    entries.append(StateDict.Entry("head.weight", .zeros([1])))
    entries.append(StateDict.Entry("3.bias", .zeros([7])))
    XCTAssertThrowsError(try net.load(StateDict(entries))) { error in
      XCTAssertEqual(
        "\(error)",
        "the state does not fit: it lacks 1.weight; it has head.weight, which is not "
          + "wanted; it has other shapes: 3.bias needs shape [2], got [7]")
    }
    XCTAssertEqual(bits(net), before)
  }

  func testPartialLoadTakesWhatFits() throws {
    let (net, other) = (makeNet(), makeNet())
    let entries = other.state.entries.filter { $0.name != "1.weight" }
    let left = try net.load(
      StateDict(entries + [StateDict.Entry("extra", .zeros([1]))]), partially: true)
    XCTAssertEqual(left, ["1.weight", "extra"])
    XCTAssertEqual(net.state["0.weight"]?.scalars, other.state["0.weight"]?.scalars)
  }

  func testCountOfBatchesMayBeMissing() throws {
    let net = makeNet()
    let old = makeNet().state.entries.filter { !$0.name.hasSuffix("num_batches_tracked") }
    XCTAssertEqual(try net.load(StateDict(old), partially: false), [])
  }

  func testPrefixes() {
    var state = StateDict([StateDict.Entry("a", Tensor(1))])
    state.merge(StateDict([StateDict.Entry("b", Tensor(2))]), prefix: "net")
    XCTAssertEqual(state.names, ["a", "net.b"])
    XCTAssertEqual(state.scoped(to: "net").names, ["b"])
    XCTAssertEqual(state.scoped(to: "ne").names, [])
    XCTAssertNil(state["c"])
  }

  func testLongListsAreCut() {
    let names = (0..<20).map { StateDict.Entry("w\($0)", Tensor(0)) }
    XCTAssertThrowsError(try ReLU().load(StateDict(names))) { error in
      XCTAssertTrue("\(error)".contains("w7 and 12 more"))
    }
  }
}
