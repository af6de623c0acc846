import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Loss, gradients and running statistics of one step against PyTorch: `Fixtures/byol.py`.
final class StepParityTests: XCTestCase {
  func testJointMatchesBYOLPyTorch() throws { try check(.joint) }

  func testSeparateMatchesPerViewReference() throws { try check(.separate) }

  func testSimplicialEmbeddingMatchesBYOLPyTorch() throws { try check(.simplicial) }

  func testSimSiamMatchesOfficialShape() throws { try check(.simsiam) }

  func testJointResNet18() throws { try checkResNet18(.joint) }

  func testSeparateResNet18() throws { try checkResNet18(.separate) }

  private func check(_ kind: ReferenceRun.Kind) throws {
    let run = try ReferenceRun(kind, ReferenceRun.smallNet(), size: 16)
    try compare(run, with: "byol-\(kind.rawValue).safetensors", size: 16, tolerance: 1e-4)
  }

  /// ReLU decides by rounding where an activation is nearly zero, so that PyTorch's own gradients in
  /// single precision are up to a hundredth from those in double precision.
  private func checkResNet18(_ kind: ReferenceRun.Kind) throws {
    let run = try ReferenceRun(kind, ResNet.resNet18(stem: .small), size: 32)
    try compare(
      run, with: "byol-\(kind.rawValue)-resnet18.safetensors", size: 32, tolerance: 3e-2)
  }

  private func compare(
    _ run: ReferenceRun, with file: String, size: Size2D, tolerance: Double
  ) throws {
    let reference = try State(contentsOf: fixture(file))
    let loss = run.learner.loss(
      Formula.images("step", view: 1, 8, size: size), Formula.images("step", view: 2, 8, size: size)
    )
    let lossError = relativeError(loss.scalars, try XCTUnwrap(reference["loss"]).scalars)
    XCTAssertLessThan(lossError, 1e-5)
    loss.backward()
    compare(run.gradients, with: reference.below("gradient"), tolerance)
    compare(run.runningStatistics, with: reference.below("buffer"), 1e-5)
  }

  /// Compares arrays by name, whole or by their digests.
  private func compare(
    _ found: [String: [Float]], with reference: State, _ tolerance: Double
  ) {
    XCTAssertEqual(Set(found.keys), Set(reference.names))
    let total = found.values.joined().reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    for entry in reference.entries {
      guard let values = found[entry.name] else { continue }
      let (digest, expected) = (Formula.digest(values), entry.value.scalars)
      let isWhole = expected.count == values.count
      let expectedNorm = isWhole ? Formula.digest(expected)[0] : Double(expected[0])
      // A bias in front of a batch norm has no gradient but rounding.
      guard expectedNorm > 1e-6 * total else {
        XCTAssertLessThan(digest[0], 1e-5 * total, entry.name)
        continue
      }
      let error =
        isWhole
        ? relativeError(values, expected) : digestError(digest, expected.map(Double.init))
      XCTAssertLessThan(error, tolerance, entry.name)
    }
  }
}
