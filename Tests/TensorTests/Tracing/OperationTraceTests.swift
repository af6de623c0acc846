import XCTest

@testable import Tensor

final class OperationTraceTests: XCTestCase {
  /// Operations that depend on labels from outside or on the whole batch.
  private let withoutDescription: Set = [
    "crossEntropy(Tensor, [Int])",
    "batchNorm(Tensor, scale:, bias:, epsilon:, activation:, residual:)",
    "batchNorm(Tensor, parts:, scale:, bias:, epsilon:, activation:, residual:)",
  ]

  func testEveryOperationDescribesItself() {
    for row in OperationTable.all {
      for (position, shapes) in row.shapes.enumerated() {
        var stream = RandomStream(seed: UInt64(position))
        let inputs = row.draw.inputs(shapes, using: &stream)
        let (trace, result) = OperationTrace.of(inputs[0], scope: { "here" }) { first in
          row.function([first] + inputs.dropFirst())
        }
        let place = "\(row.name) \(row.variant) on \(shapes)"
        XCTAssertTrue(row.function(inputs).hasSameNumbers(as: result), place)
        let needed = steps(of: trace, for: result)
        XCTAssertFalse(needed.isEmpty && trace.source(of: result).isConstant, place)
        let isWhole = needed.allSatisfy { $0.operation != nil }
        XCTAssertEqual(isWhole, !withoutDescription.contains(row.name), place)
        XCTAssertTrue(needed.allSatisfy { $0.scope == "here" }, place)
      }
    }
  }

  func testComparisonsDescribeThemselves() {
    let (a, b) = (Tensor([1, 2, 3]), Tensor([3, 2, 1]))
    let comparisons: [(BinaryFunction, (Tensor) -> Tensor)] = [
      (.greater, { $0 .> b }), (.less, { $0 .< b }), (.greaterOrEqual, { $0 .>= b }),
      (.lessOrEqual, { $0 .<= b }), (.equal, { $0 .== b }),
    ]
    for (function, compare) in comparisons {
      let (trace, _) = OperationTrace.of(a, scope: { "" }, compare)
      XCTAssertEqual(trace.steps.map(\.operation), [.binary(function)])
    }
    let (trace, _) = OperationTrace.of(a, scope: { "" }) { ($0 .> 2, $0 .< 2) }
    XCTAssertEqual(
      trace.steps.map(\.operation),
      [
        .binaryWithNumber(.greater, 2, isFirst: false), .binaryWithNumber(.less, 2, isFirst: false),
      ])
  }

  func testWhatDoesNotComeFromTheInputIsAConstant() {
    let weight = Parameter(Tensor([2, 3]))
    let (trace, result) = OperationTrace.of(Tensor([1, 1]), scope: { "" }) { x in
      // Computed from a parameter alone.
      x + square(weight.value)
    }
    XCTAssertEqual(trace.steps.map(\.operation), [.binary(.add)])
    guard case .constant(let constant) = trace.steps[0].inputs[1] else { return XCTFail() }
    XCTAssertEqual(constant.scalars, [4, 9])
    XCTAssertEqual(result.scalars, [5, 10])
  }

  func testATraceFollowsDetachedValuesAndViews() {
    let (trace, result) = OperationTrace.of(Tensor.arange(6), scope: { "" }) { x in
      withoutGradients { x.detached.reshaped([2, 3])[1].detached }
    }
    XCTAssertEqual(
      trace.steps.map(\.operation), [.reshape, .crop(starts: [1, 0]), .reshape])
    guard case .value(3) = trace.source(of: result) else { return XCTFail() }
  }

  func testNothingIsNotedOutside() {
    let (trace, value) = OperationTrace.of(Tensor([1, 2]), scope: { "" }) { $0 * 2 }
    _ = value + 1
    XCTAssertEqual(trace.steps.count, 1)
    let weight = Parameter(Tensor([3, 4]))
    (weight.value * Tensor([1, 2])).sum().backward()
    XCTAssertEqual(weight.gradient?.scalars, [1, 2])
  }

  private func steps(of trace: OperationTrace, for result: Tensor) -> [OperationTrace.Step] {
    var pending = [trace.source(of: result)]
    var seen: Set<Int> = []
    while let source = pending.popLast() {
      guard case .value(let number) = source, number > 0, seen.insert(number).inserted else {
        continue
      }
      pending += trace.steps[number - 1].inputs
    }
    return seen.map { trace.steps[$0 - 1] }
  }
}

extension OperationTrace.Source {
  fileprivate var isConstant: Bool { if case .constant = self { true } else { false } }
}
