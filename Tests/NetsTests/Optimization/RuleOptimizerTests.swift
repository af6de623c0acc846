import Tensor
import XCTest

@testable import Nets

/// Steps along the gradient's sign, and notes what it is given.
private struct SignRule: UpdateRule {
  let log = Log()
  let name = "Sign"
  let usualHighestRate: Float = 2
  let tensorNames = ["sum"]

  final class Log {
    var places: [UnsafeMutablePointer<Float>] = []
    var steps: [Int] = []
  }

  func update(
    _ parameter: Parameter, gradient: Tensor, rate: Float, group: ParameterGroup,
    state: inout ParameterState
  ) {
    let sign = Tensor(gradient.scalars.map { $0 < 0 ? -1 : 1 })
    parameter.value = parameter.value.detached - sign * rate
    state.tensors[0].mutate { numbers in
      numbers[0] += gradient[0].item
      log.places.append(numbers)
    }
    log.steps.append(state.steps)
  }
}

final class RuleOptimizerTests: XCTestCase {
  private let rule = SignRule()

  private func optimizer(
    _ groups: [ParameterGroup], learningRate: Float = 1
  ) -> RuleOptimizer<SignRule> {
    RuleOptimizer(rule, groups, learningRate: learningRate)
  }

  func testARuleMakesAnOptimizer() throws {
    let parameter = Parameter(Tensor([1, 2]))
    let optimizer = optimizer(
      [ParameterGroup([parameter], learningRateScale: 2)], learningRate: 0.25)
    for _ in 0..<3 {
      parameter.gradient = Tensor([3, -4])
      optimizer.step()
    }
    XCTAssertEqual(parameter.value.scalars, [-0.5, 3.5])
    XCTAssertEqual(rule.log.steps, [1, 2, 3])
    XCTAssertEqual(optimizer.name, "Sign")
    XCTAssertEqual(optimizer.usualHighestRate, 2)
    XCTAssertEqual(optimizer.state.names, ["0.sum"])
    XCTAssertEqual(optimizer.state["0.sum"]?.scalars, [9, 0])
  }

  /// What an optimizer keeps stays where it is: a copy at each step would cost more than the step.
  func testKeptTensorsChangeInPlace() {
    let parameter = Parameter(.zeros([100]))
    let optimizer = optimizer([ParameterGroup([parameter])])
    for _ in 0..<3 {
      parameter.gradient = .ones([100])
      optimizer.step()
    }
    XCTAssertEqual(Set(rule.log.places).count, 1)
  }

  /// Entries are kept in a dictionary: a step of one parameter must not disturb another's.
  func testEachParameterHasItsOwnState() {
    let parameters = (0..<3).map { _ in Parameter(.zeros([1])) }
    let optimizer = optimizer([ParameterGroup(parameters)])
    for step in 0..<2 {
      for (index, parameter) in parameters.enumerated() where index > 0 || step == 0 {
        parameter.gradient = Tensor([Float(index + 1)])
      }
      optimizer.step()
      optimizer.zeroGradients()
    }
    XCTAssertEqual(rule.log.steps, [1, 1, 1, 2, 2])
    XCTAssertEqual(optimizer.state.entries.map(\.value.item), [1, 4, 6])
  }

  func testNamesAndUsualRates() {
    let parameters = [Parameter(.zeros([1]))]
    let optimizers: [any Optimizer] = [
      SGD(parameters, learningRate: 1), LARS([ParameterGroup(parameters)], learningRate: 1),
      Adam(parameters), AdamW(parameters),
    ]
    XCTAssertEqual(optimizers.map(\.name), ["SGD", "LARS", "Adam", "AdamW"])
    XCTAssertEqual(optimizers.map(\.usualHighestRate), [1, 10, 0.005, 0.005])
    XCTAssertEqual(AdamW(parameters).groups[0].weightDecay, 0.01)
    XCTAssertEqual(Adam(parameters).groups[0].weightDecay, 0)
  }
}
