import Foundation
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

  private func moCo(isSymmetric: Bool = false, prefilled: Bool = false) throws -> MoCo {
    let learner = MoCo(
      ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32,
      queueSize: prefilled ? 40 : 100, movingAverageDecay: 0.99, isSymmetric: isSymmetric)
    try fill(learner, prefix: "target.")
    learner.target.reset()
    try fill(learner)
    if prefilled {
      learner.queue.append(unitNorm(Tensor(Formula.centred("queue", 1_280), shape: [40, 32])))
    }
    return learner
  }

  private func barlowTwins() throws -> BarlowTwins {
    let learner = BarlowTwins(
      ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 48,
      projectionHiddenSize: 64)
    try fill(learner)
    return learner
  }

  private func vicReg() throws -> VICReg {
    let learner = VICReg(
      ResNet.small(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 48,
      projectionHiddenSize: 64)
    try fill(learner)
    return learner
  }

  private func fill(_ learner: some Learner, prefix: String = "") throws {
    try Formula.fill(learner.net, prefix: prefix + "net.")
    try Formula.fill(learner.projector, prefix: prefix + "projector.")
  }

  // MARK: - One step

  private func checkStep<L: Learner>(_ learner: L, _ name: String) throws
  where L.Views == ViewPair {
    let reference = try State(contentsOf: fixture(name + ".safetensors"))
    let loss = learner.loss(
      Formula.images("step", view: 1, 8, size: 16), Formula.images("step", view: 2, 8, size: 16))
    XCTAssertLessThan(
      relativeError(loss.scalars, try XCTUnwrap(reference["loss"]).scalars), 1e-5)
    loss.backward()
    let modules = [("net", learner.net), ("projector", learner.projector)]
    var (gradients, buffers) = ([String: [Float]](), [String: [Float]]())
    for (part, module) in modules {
      for (name, parameter) in module.namedParameters {
        guard let gradient = parameter.gradient else { continue }
        let isKernel = parameter.layout == .channelsFirst
        gradients["\(part).\(name)"] =
          (isKernel ? gradient.permuted([0, 3, 1, 2]) : gradient).scalars
      }
    }
    func gather(_ prefix: String) {
      for (part, module) in modules {
        for (name, buffer) in module.namedBuffers where buffer.elementType == .float32 {
          buffers["\(prefix)\(part).\(name)"] = buffer.value.scalars
        }
      }
    }
    gather("")
    (learner as? MoCo)?.target { gather("target.") }
    compare(gradients, with: reference.below("gradient"), 1e-4)
    compare(buffers, with: reference.below("buffer"), 1e-5)
  }

  private func compare(_ found: [String: [Float]], with reference: State, _ tolerance: Double) {
    XCTAssertEqual(Set(found.keys), Set(reference.names))
    let total = found.values.joined().reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    for entry in reference.entries {
      let digest = Formula.digest(found[entry.name] ?? [])
      let expected = entry.value.scalars.map(Double.init)
      // A bias in front of a batch norm has no gradient but rounding.
      guard expected[0] > 1e-6 * total else {
        XCTAssertLessThan(digest[0], 1e-5 * total, entry.name)
        continue
      }
      XCTAssertLessThan(digestError(digest, expected), tolerance, entry.name)
    }
  }

  // MARK: - Two hundred steps

  private func checkTrace<L: Learner>(
    _ learner: L, _ name: String, learningRate: Float = 3e-4
  ) throws where L.Views == ViewPair {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: fixture("contrast-and-redundancy-traces.json")))
    let traces = try JSONDecoder().decode([String: [Double]].self, from: data)
    let expected = try XCTUnwrap(traces[name])
    let optimizer = Adam(learner.parameters, learningRate: learningRate)
    let losses = expected.indices.map { step in
      let loss = learner.loss(
        Formula.images("trace\(step)", view: 1, 24, size: 16),
        Formula.images("trace\(step)", view: 2, 24, size: 16))
      optimizer.zeroGradients()
      loss.backward()
      optimizer.step()
      learner.updateMovingAverage()
      return Double(loss.item)
    }
    // MoCo's first loss is zero, for its queue is empty.
    let errors = zip(losses, expected).map { abs($0 - $1) / max($1, 1e-6) }
    let ends = [losses, expected].map { $0.suffix(20).reduce(0, +) }
    XCTAssertLessThan(errors[..<10].max() ?? 1, 1e-4)
    XCTAssertLessThan(errors.max() ?? 1, 3e-2)
    XCTAssertEqual(ends[0], ends[1], accuracy: 1e-2 * ends[1])
  }
}
