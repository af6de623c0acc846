import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Two hundred steps of Adam against PyTorch: `Fixtures/byol.py`.
///
/// Adam divides rounding by itself where a gradient is nearly zero, so that paths part slowly: PyTorch
/// with its first weights changed by 2e-7 is up to 1.4e-2 away at some step within two hundred, and
/// 5e-3 in the mean of the last twenty.
final class TraceParityTests: XCTestCase {
  private struct Trace: Decodable {
    let losses: [Double]
    let targetAfterFive: [String: [Double]]
  }

  func testJointTraceMatchesBYOLPyTorch() throws { try check(.joint) }

  func testSeparateTraceMatchesPerViewReference() throws { try check(.separate) }

  func testSimSiamTraceMatchesOfficialShape() throws { try check(.simsiam, learningRate: 1e-4) }

  private func check(_ kind: BYOLReference, learningRate: Float = 3e-4) throws {
    let traces = try decodedFixture([String: Trace].self, "byol-traces.json")
    let reference = try XCTUnwrap(traces[kind.rawValue])
    let run = try kind.run(ResNet.small(), size: 16)
    let optimizer = Adam(run.learner.parameters, learningRate: learningRate)
    let losses = trace(of: run, steps: 200, optimizer: optimizer) { step in
      if step == 4 { checkTarget(run.targetValues, reference.targetAfterFive) }
    }
    checkTrace(losses, with: reference.losses)
  }

  private func checkTarget(_ values: [String: [Float]], _ expected: [String: [Double]]) {
    XCTAssertEqual(Set(values.keys), Set(expected.keys))
    // The five steps have moved the target by about 1.5e-4 of its norm.
    // In front of a batch norm a bias has no gradient: Adam makes whole steps of its rounding.
    let undetermined = ["projector.0.bias", "projector.3.bias"]
    for (name, digest) in expected where !undetermined.contains(name) {
      XCTAssertLessThan(digestError(Formula.digest(values[name] ?? []), digest), 3e-6, name)
    }
  }
}
