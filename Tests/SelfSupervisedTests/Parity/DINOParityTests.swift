import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// DINO against lightly: `Fixtures/dino.py`, which says how far PyTorch's own single precision is from its
/// double.
final class DINOParityTests: XCTestCase {
  func testStep() throws { try checkStep("dino", crops: 0) }

  func testStepWithCrops() throws { try checkStep("dino-crops", crops: 2) }

  func testStepWithBatchNorm() throws { try checkStep("dino-norm", crops: 0, batchNorm: true) }

  func testTrace() throws { try checkTrace("dino", crops: 0) }

  func testTraceWithCrops() throws { try checkTrace("dino-crops", crops: 2) }

  private func dino(batchNorm: Bool = false) throws -> ReferenceRun<DINOMethod> {
    try ReferenceRun(
      DINO(
        ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", prototypeCount: 40,
        projectionSize: 32, projectionHiddenSize: 64, normalizesProjections: batchNorm,
        targetTemperature: LinearRise(from: 0.04, to: 0.07, over: 100), movingAverageDecay: 0.99))
  }

  private func checkStep(_ name: String, crops: Int, batchNorm: Bool = false) throws {
    let views = ViewPair(formula: "step", 8, size: 16, local: (crops, 8))
    try checkStep(of: dino(batchNorm: batchNorm), on: views, with: name + ".safetensors")
  }

  private func checkTrace(_ name: String, crops: Int) throws {
    let traces = try decodedFixture([String: [Double]].self, "dino-traces.json")
    let (run, reference) = (try dino(), try XCTUnwrap(traces[name]))
    let optimizer = Adam(run.learner.parameters, learningRate: 3e-4)
    let losses = losses(of: run, steps: reference.count, optimizer: optimizer) { step in
      ViewPair(formula: "trace\(step)", 24, size: 16, local: (crops, 8))
    }
    checkTrace(losses, with: reference, anyStep: 1e-3)
  }
}
