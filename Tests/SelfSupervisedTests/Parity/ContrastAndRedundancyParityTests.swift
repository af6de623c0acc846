import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// MoCo, Barlow Twins and VICReg against PyTorch: `Fixtures/contrast_and_redundancy.py`, which says how
/// far PyTorch's own single precision is from its double.
final class ContrastAndRedundancyParityTests: XCTestCase {
  func testMoCoStep() throws { try checkStep(moCo(prefilled: true), "moco") }

  func testSymmetricMoCoStep() throws {
    try checkStep(moCo(isSymmetric: true, prefilled: true), "moco-symmetric")
  }

  func testBarlowTwinsStep() throws { try checkStep(barlowTwins(), "barlow-twins") }

  func testVICRegStep() throws { try checkStep(vicReg(), "vicreg") }

  func testMoCoTrace() throws { try checkTrace(moCo(), "moco") }

  func testSymmetricMoCoTrace() throws { try checkTrace(moCo(isSymmetric: true), "moco-symmetric") }

  func testBarlowTwinsTrace() throws {
    try checkTrace(barlowTwins(), "barlow-twins", learningRate: 1e-4)
  }

  func testVICRegTrace() throws { try checkTrace(vicReg(), "vicreg") }

  // MARK: - Learners with the numbers of the script

  private func moCo(isSymmetric: Bool = false, prefilled: Bool = false) throws -> ReferenceRun<
    MoCoMethod
  > {
    let learner = MoCo(
      ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32,
      queueSize: prefilled ? 40 : 100, movingAverageDecay: 0.99, isSymmetric: isSymmetric)
    if prefilled {
      learner.parts.queue.append(Tensor(Formula.centred("queue", 1_280), shape: [40, 32]))
    }
    return try ReferenceRun(learner)
  }

  private func barlowTwins() throws -> ReferenceRun<BarlowTwinsMethod> {
    try ReferenceRun(
      BarlowTwins(
        ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 48,
        projectionHiddenSize: 64))
  }

  private func vicReg() throws -> ReferenceRun<VICRegMethod> {
    try ReferenceRun(
      VICReg(
        ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 48,
        projectionHiddenSize: 64))
  }

  private func checkStep<M: LearningMethod>(_ run: ReferenceRun<M>, _ name: String) throws
  where M.Views == ViewPair {
    try checkStep(of: run, with: name + ".safetensors")
  }

  private func checkTrace<M: LearningMethod>(
    _ run: ReferenceRun<M>, _ name: String, learningRate: Float = 3e-4
  ) throws where M.Views == ViewPair {
    let traces = try decodedFixture(
      [String: [Double]].self, "contrast-and-redundancy-traces.json")
    let reference = try XCTUnwrap(traces[name])
    let optimizer = Adam(run.learner.parameters, learningRate: learningRate)
    let losses = trace(of: run, steps: reference.count, count: 24, optimizer: optimizer)
    checkTrace(losses, with: reference)
  }
}
