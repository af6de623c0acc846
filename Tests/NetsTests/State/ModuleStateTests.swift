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
          + "wanted; it has other shapes: 3.bias needs shape [2], got [7]; "
          + "load(state.removing(\"3\"), partially: true) leaves these out")
    }
    XCTAssertEqual(bits(net), before)
  }

  func testPartialLoadTakesWhatFits() throws {
    let (net, other) = (makeNet(), makeNet())
    let entries = other.state.entries.filter { $0.name != "1.weight" }
    let result = try net.load(
      StateDict(entries + [StateDict.Entry("extra", .zeros([1]))]), partially: true)
    XCTAssertEqual(result.missing, ["1.weight"])
    XCTAssertEqual(result.unexpected, ["extra"])
    XCTAssertEqual(
      result.loaded,
      [
        "0.weight", "0.bias", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
        "3.weight", "3.bias",
      ])
    XCTAssertFalse(result.isComplete)
    XCTAssertEqual(
      "\(result)", "loaded 8 of 9; the state lacks 1.weight; the network lacks extra")
    XCTAssertEqual(net.state["0.weight"]?.scalars, other.state["0.weight"]?.scalars)
  }

  /// As torch's strict=False, which still refuses other shapes.
  func testPartialLoadRefusesOtherShapes() throws {
    let net = makeNet()
    let before = bits(net)
    let state = StateDict(
      makeNet().state.entries.map {
        $0.name == "3.weight" ? StateDict.Entry($0.name, .zeros([7, 3])) : $0
      })
    XCTAssertThrowsError(try net.load(state, partially: true)) { error in
      XCTAssertEqual(
        "\(error)",
        "the state does not fit: it has other shapes: 3.weight needs shape [2, 3], got [7, 3]; "
          + "load(state.removing(\"3\"), partially: true) leaves these out")
    }
    XCTAssertEqual(bits(net), before)
    let result = try net.load(state.removing("3"), partially: true)
    XCTAssertEqual(result.missing, ["3.weight", "3.bias"])
    XCTAssertEqual(result.loaded.count, 7)
  }

  func testAPartialLoadOfNothingIsAnError() {
    let net = makeNet()
    let before = bits(net)
    let counts = makeNet().state.entries.filter { $0.name.hasSuffix("num_batches_tracked") }
    for state in [
      StateDict(), StateDict([StateDict.Entry("other", .zeros([1]))]), StateDict(counts),
      StateDict(makeNet().state.entries.map { StateDict.Entry("below.\($0.name)", $0.value) }),
    ] {
      XCTAssertThrowsError(try net.load(state, partially: true)) {
        XCTAssertTrue($0 is StateError && "\($0)".contains("lacks 0.weight"), "\($0)")
      }
    }
    XCTAssertThrowsError(
      try ReLU().load(StateDict([StateDict.Entry("a", Tensor(1))]), partially: true))
    XCTAssertNoThrow(try ReLU().load(StateDict(), partially: true).isComplete)
    XCTAssertEqual(bits(net), before)
  }

  func testCountOfBatchesMayBeMissing() throws {
    let net = makeNet()
    let old = makeNet().state.entries.filter { !$0.name.hasSuffix("num_batches_tracked") }
    XCTAssertTrue(try net.load(StateDict(old), partially: false).isComplete)
  }

  func testCountsAreIntegersOfSixtyFourBits() {
    let net = makeNet()
    for (number, words) in [(Float.nan, "nan"), (0x1p63, "9.223372e+18"), (1.5, "1.5")] {
      let state = StateDict(
        net.state.entries.map {
          $0.elementType == .int64 ? StateDict.Entry($0.name, Tensor(number)) : $0
        })
      for isPartial in [false, true] {
        XCTAssertThrowsError(try net.load(state, partially: isPartial)) {
          XCTAssertEqual(
            "\($0)",
            "the state does not fit: it has impossible numbers: 1.num_batches_tracked needs "
              + "integers of 64 bits, got \(words)")
        }
      }
    }
  }

  func testOneNameTwiceIsAnError() {
    let twice = makeNet().state.entries + [StateDict.Entry("3.bias", .zeros([2]))]
    XCTAssertThrowsError(try makeNet().load(StateDict(twice))) {
      XCTAssertTrue(
        "\($0)".hasSuffix("impossible numbers: 3.bias needs one tensor, got 2 of this name"),
        "\($0)")
    }
  }

  func testPrefixes() {
    var state = StateDict([StateDict.Entry("a", Tensor(1))])
    state.merge(StateDict([StateDict.Entry("b", Tensor(2))]), prefix: "net")
    XCTAssertEqual(state.names, ["a", "net.b"])
    XCTAssertEqual(state.scoped(to: "net").names, ["b"])
    XCTAssertEqual(state.scoped(to: "ne").names, [])
    XCTAssertNil(state["c"])
    XCTAssertEqual(state.removing("net").names, ["a"])
    XCTAssertEqual(state.removing("net.b").names, ["a"])
    XCTAssertEqual(state.removing("ne").names, ["a", "net.b"])
    XCTAssertEqual(state.renamed { $0 + "!" }.names, ["a!", "net.b!"])
  }

  /// "é" may be one letter, or an e and a mark; a mark may also follow a dot.
  func testNamesAreComparedByTheirBytes() {
    let names = ["\u{e9}", "e\u{301}", "n.\u{301}a"]
    let state = StateDict(
      names.enumerated().map { StateDict.Entry($1, Tensor(Float($0))) },
      metadata: ["n.\u{301}b": "note"])
    XCTAssertEqual(names.map { state[$0]?.item }, [0, 1, 2])
    XCTAssertEqual(state.removing("\u{e9}").entries.map(\.value.item), [1, 2])
    XCTAssertEqual(state.scoped(to: "n").names.map { Array($0.utf8) }, [Array("\u{301}a".utf8)])
    XCTAssertEqual(state.scoped(to: "n").metadata, ["\u{301}b": "note"])
  }

  func testAskingForATensorThatIsNotThere() {
    XCTAssertThrowsError(try makeNet().state.tensor(named: "4.weight")) {
      XCTAssertEqual("\($0)", "the state does not fit: it lacks 4.weight")
    }
    XCTAssertEqual(try makeNet().state.tensor(named: "3.bias").shape, [2])
  }

  func testLongListsAreCut() {
    let names = (0..<20).map { StateDict.Entry("w\($0)", Tensor(0)) }
    XCTAssertThrowsError(try ReLU().load(StateDict(names))) { error in
      XCTAssertTrue("\(error)".contains("w7 and 12 more"))
    }
  }

  /// What an error of a part says beyond names is said of the whole too.
  func testAPrefixKeepsTheReason() {
    var error = StateError(missing: ["weight"])
    (error.reason, error.advice, error.path) = ("is of 1998", "try another", "a.pth")
    let prefixed = error.prefixed(by: "conv")
    XCTAssertEqual(prefixed.missing, ["conv.weight"])
    XCTAssertEqual(prefixed.reason, "is of 1998")
    XCTAssertEqual(prefixed.advice, "try another")
    XCTAssertEqual(prefixed.path, "a.pth")
  }
}
