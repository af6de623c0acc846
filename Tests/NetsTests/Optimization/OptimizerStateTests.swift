import Tensor
import TestSupport
import XCTest

@testable import Nets

final class OptimizerStateTests: XCTestCase {
  private typealias Make = ([Parameter]) -> any Optimizer

  private let kinds: [Make] = [
    { SGD($0, learningRate: 0.1) }, { SGD($0, learningRate: 0.1, momentum: 0.9, nesterov: true) },
    { Adam($0, learningRate: 0.1) }, { AdamW($0, learningRate: 0.1, weightDecay: 0.1) },
    { LARS([ParameterGroup($0, weightDecay: 0.1)], learningRate: 10, momentum: 0.9) },
  ]

  /// Two parameters with gradients and one between them without.
  private func parameters() -> [Parameter] {
    [[1, -2, 3], [0.5], [2, 0.25]].map { Parameter(Tensor($0)) }
  }

  private func move(_ parameters: [Parameter], _ optimizer: any Optimizer, steps: Int) {
    for _ in 0..<steps {
      optimizer.zeroGradients()
      (square(parameters[0].value).sum() + exp(parameters[2].value).sum()).backward()
      optimizer.step()
    }
  }

  func testGoesOnBitForBitFromItsState() throws {
    try withTemporaryFolder { folder in
      for make in kinds {
        for steps in [0, 1, 4] {
          let whole = parameters()
          move(whole, make(whole), steps: steps + 3)

          let first = parameters()
          let optimizer = make(first)
          move(first, optimizer, steps: steps)
          try optimizer.save(to: folder + "/optimizer.safetensors")
          let second = first.map { Parameter($0.value.detached) }
          let other = make(second)
          other.learningRate = 99
          try other.load(from: folder + "/optimizer.safetensors")
          XCTAssertEqual(other.learningRate, optimizer.learningRate)
          move(second, other, steps: 3)
          XCTAssertEqual(second.map(\.value.scalars), whole.map(\.value.scalars))
        }
      }
    }
  }

  func testStateDoesNotMoveWithTheOptimizer() {
    let parameters = parameters()
    let optimizer = Adam(parameters)
    move(parameters, optimizer, steps: 2)
    let state = optimizer.state
    XCTAssertEqual(
      state.names, ["0.first", "0.second", "0.steps", "2.first", "2.second", "2.steps"])
    let before = state.entries.map(\.value.scalars)
    move(parameters, optimizer, steps: 2)
    XCTAssertEqual(state.entries.map(\.value.scalars), before)
  }

  func testStateThatDoesNotFitChangesNothing() throws {
    let parameters = parameters()
    let optimizer = SGD(parameters, learningRate: 0.1, momentum: 0.9)
    move(parameters, optimizer, steps: 2)
    let before = optimizer.state
    let adam = Adam(parameters)
    move(parameters, adam, steps: 1)
    func entry(_ name: String, _ value: Tensor) -> StateDict {
      StateDict([StateDict.Entry(name, value)], metadata: before.metadata)
    }
    let refused: [(StateDict, String)] = [
      (adam.state, "lacks 0.velocity"), (entry("3.velocity", .ones([1])), "has 3.velocity"),
      (entry("0.velocity", .ones([2])), "0.velocity needs shape [3], got [2]"),
      (StateDict(before.entries), "lacks learningRate"),
    ]
    for (state, message) in refused {
      XCTAssertThrowsError(try optimizer.load(state)) {
        XCTAssertTrue("\($0)".contains(message), "\($0)")
      }
      XCTAssertEqual(
        optimizer.state.entries.map(\.value.scalars), before.entries.map(\.value.scalars))
    }
  }

  /// Without momentum nothing is kept; the velocity of a run with momentum still loads.
  func testDescentWithoutMomentumKeepsNothing() throws {
    let parameters = parameters()
    let plain = SGD(parameters, learningRate: 0.1)
    move(parameters, plain, steps: 2)
    XCTAssertEqual(plain.state.names, [])
    let other = SGD(parameters, learningRate: 0.1, momentum: 0.9)
    move(parameters, other, steps: 1)
    XCTAssertEqual(other.state.names, ["0.velocity", "2.velocity"])
    XCTAssertNoThrow(try plain.load(other.state))
  }

  func testAPlanChangesNothingUntilItIsCalled() throws {
    let parameters = parameters()
    let optimizer = Adam(parameters, learningRate: 0.1)
    move(parameters, optimizer, steps: 1)
    let (early, before) = (optimizer.state, optimizer.state.entries.map(\.value.scalars))
    move(parameters, optimizer, steps: 1)
    optimizer.learningRate = 0.5
    let late = optimizer.state.entries.map(\.value.scalars)
    let change = try optimizer.plan(early)
    XCTAssertEqual(optimizer.state.entries.map(\.value.scalars), late)
    XCTAssertEqual(optimizer.learningRate, 0.5)
    change()
    XCTAssertEqual(optimizer.state.entries.map(\.value.scalars), before)
    XCTAssertEqual(optimizer.learningRate, 0.1)
  }

  func testDamagedNumbersAreRefused() {
    let parameters = parameters()
    let adam = Adam(parameters)
    move(parameters, adam, steps: 1)
    let sound = adam.state
    let damaged = { (steps: Float, rate: String) in
      StateDict(
        sound.entries.map {
          StateDict.Entry(
            $0.name, $0.name == "2.steps" ? Tensor(steps) : $0.value, elementType: $0.elementType)
        }, metadata: ["learningRate": rate])
    }
    let refused: [(StateDict, String)] = [
      (damaged(.nan, "0.1"), "2.steps needs a count of zero or more, got nan"),
      (damaged(-3, "0.1"), "2.steps needs a count of zero or more, got -3"),
      (damaged(1, "nan"), "learningRate needs a number of zero or more, got nan"),
      (damaged(1, "fast"), "learningRate needs a number of zero or more, got fast"),
    ]
    for (state, message) in refused {
      XCTAssertThrowsError(try adam.load(state)) {
        XCTAssertTrue("\($0)".contains(message), "\($0)")
      }
    }
    XCTAssertNoThrow(try adam.load(damaged(1, "0.1")))
  }
}
