import Tensor
import TestSupport
import XCTest

@testable import Nets

/// What the errors of loads propose, and that it works.
final class StateAdviceTests: XCTestCase {
  private func makeNet() -> ResNet { .resNet10(stem: .small, width: 2, classCount: 3) }

  private func message(_ net: any Module, _ state: StateDict) -> String {
    do {
      try net.load(state)
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func below(_ prefix: String, _ state: StateDict) -> StateDict {
    state.renamed { prefix + "." + $0 }
  }

  func testPrefixesOfOtherFrameworks() throws {
    let count = makeNet().state.withoutCounts.count
    for prefix in [
      "module", "_orig_mod", "backbone", "model", "encoder_q", "module.encoder_q", "student",
      "learner.net", "state_dict.module",
    ] {
      let (net, other) = (makeNet(), makeNet())
      let state = below(prefix, other.state)
      XCTAssertTrue(
        message(net, state).hasSuffix(
          "; all \(count) names fit below \"\(prefix)\": load(state.scoped(to: \"\(prefix)\"))"),
        message(net, state))
      try net.load(state.scoped(to: prefix))
      XCTAssertEqual(
        net.state.entries.map(\.value.scalars), other.state.entries.map(\.value.scalars))
    }
  }

  /// A checkpoint of MoCo's has the same network twice, and a head in the place of the classifier.
  func testACheckpointWithOtherParts() throws {
    let (net, other) = (makeNet(), makeNet())
    let count = other.state.withoutCounts.count
    var state = StateDict()
    state.merge(
      StateDict(
        other.state.entries.map {
          $0.name == "fc.weight" ? StateDict.Entry($0.name, .zeros([8, $0.value.shape[1]])) : $0
        }), prefix: "module.encoder_q")
    state.merge(makeNet().state, prefix: "module.encoder_k")
    state.merge(StateDict([StateDict.Entry("queue", .zeros([8, 9]))]), prefix: "module")
    let call =
      "load(state.scoped(to: \"module.encoder_q\").removing(\"fc\"), partially: true)"
    XCTAssertTrue(
      message(net, state).hasSuffix(
        "; all \(count) names fit below \"module.encoder_q\": \(call)"), message(net, state))
    let result = try net.load(
      state.scoped(to: "module.encoder_q").removing("fc"), partially: true)
    XCTAssertEqual(result.missing, ["fc.weight", "fc.bias"])
    XCTAssertEqual(net.state["conv1.weight"]?.scalars, other.state["conv1.weight"]?.scalars)
  }

  func testANetworkWithoutItsClassifierBelowAPrefix() throws {
    let (net, other) = (makeNet(), makeNet())
    let count = other.state.withoutCounts.count
    let state = below("backbone", other.state.removing("fc"))
    XCTAssertTrue(
      message(net, state).hasSuffix(
        "; \(count - 2) of \(count) names fit below \"backbone\": "
          + "load(state.scoped(to: \"backbone\"), partially: true)"), message(net, state))
    XCTAssertEqual(
      try net.load(state.scoped(to: "backbone"), partially: true).missing,
      ["fc.weight", "fc.bias"])
  }

  func testAWidthThatDiffersIsCounted() {
    let state = below(
      "module", ResNet.resNet10(stem: .small, width: 4, classCount: 3).state)
    XCTAssertTrue(
      message(makeNet(), state).contains(" of them with other shapes: load("),
      message(makeNet(), state))
  }

  func testAStateOfAPartOfTheNetwork() throws {
    let other = makeNet()
    let count = other.state.withoutCounts.count
    let net = Sequential {
      makeNet()
      Linear(3, 2)
    }
    XCTAssertTrue(
      message(net, other.state).hasSuffix(
        "; all \(count) of its names fit the network's part \"0\": "
          + "load(state.renamed { \"0.\" + $0 }, partially: true)"), message(net, other.state))
    let result = try net.load(other.state.renamed { "0." + $0 }, partially: true)
    XCTAssertEqual(result.missing, ["1.weight", "1.bias"])
    XCTAssertEqual(net.state["0.fc.bias"]?.scalars, other.state["fc.bias"]?.scalars)
  }

  func testNumberedLayersInTheSameOrder() throws {
    final class Net: Module {
      let conv = Conv2d(2, 3, kernelSize: 3)
      let norm = BatchNorm(3)
      let head = Linear(3, 2)
      func forward(_ x: Tensor) -> Tensor { x }
    }
    let other = Sequential {
      Conv2d(2, 3, kernelSize: 3)
      BatchNorm(3)
      Flatten()
      Linear(3, 2)
    }
    let net = Net()
    let advice =
      "its 8 tensors have the network's shapes in the same order: if they are the same layers, "
      + "load(state.renamed(inOrderOf: net.state))"
    XCTAssertTrue(message(net, other.state).hasSuffix("; " + advice), message(net, other.state))
    try net.load(other.state.renamed(inOrderOf: net.state))
    XCTAssertEqual(net.head.weight.value.scalars, other.state["3.weight"]?.scalars)
    XCTAssertEqual(net.conv.bias?.value.scalars, other.state["0.bias"]?.scalars)
    XCTAssertThrowsError(try other.state.removing("3").renamed(inOrderOf: net.state)) {
      XCTAssertEqual("\($0)", "the state does not fit: it lacks head.weight, head.bias")
    }
  }

  func testNothingIsProposedForAnotherNetwork() {
    let message = message(makeNet(), Linear(2, 2).state)
    XCTAssertFalse(message.contains("load("), message)
    XCTAssertTrue(message.hasSuffix("which is not wanted"), message)
  }

  func testTheFileIsNamed() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/net.safetensors"
      try below("module", makeNet().state).write(to: path)
      XCTAssertThrowsError(try makeNet().load(from: path)) {
        XCTAssertTrue("\($0)".hasPrefix("\(path) does not fit"), "\($0)")
        XCTAssertTrue(
          "\($0)".hasSuffix(
            "load(state.scoped(to: \"module\")), where state is StateDict(contentsOf: \"\(path)\")"),
          "\($0)")
      }
    }
  }

  /// As many dots as a file may hold must not take their square in time.
  func testNamesOfManyDots() {
    let name = String(repeating: "a.", count: 200_000)
    let state = StateDict([StateDict.Entry(name, Tensor(1))])
    let start = ContinuousClock.now
    XCTAssertNotEqual(message(Linear(2, 2), state), "")
    XCTAssertLessThan(ContinuousClock.now - start, .seconds(5))
  }
}
