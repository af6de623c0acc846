import Nets
import Tensor
import XCTest

@testable import SelfSupervised

/// Loss, gradients and running statistics of one step against PyTorch: `Fixtures/byol.py`.
final class StepParityTests: XCTestCase {
  func testJointMatchesBYOLPyTorch() throws { try check(.joint) }

  func testSeparateMatchesPerViewReference() throws { try check(.separate) }

  func testSimplicialEmbeddingMatchesBYOLPyTorch() throws { try check(.simplicial) }

  func testNormalizedProjectionsMatchPerViewReference() throws { try check(.normalized) }

  func testSimSiamMatchesOfficialShape() throws { try check(.simsiam) }

  func testJointResNet18() throws { try checkResNet18(.joint) }

  func testSeparateResNet18() throws { try checkResNet18(.separate) }

  private func check(_ kind: BYOLReference) throws {
    let run = try kind.run(ResNet.small(), size: 16)
    try checkStep(of: run, with: "byol-\(kind.rawValue).safetensors")
  }

  /// ReLU decides by rounding where an activation is nearly zero, so that PyTorch's own gradients in
  /// single precision are up to a hundredth from those in double precision.
  private func checkResNet18(_ kind: BYOLReference) throws {
    let run = try kind.run(ResNet.resNet18(stem: .small), size: 32)
    try checkStep(
      of: run, with: "byol-\(kind.rawValue)-resnet18.safetensors", size: 32, tolerance: 3e-2)
  }
}
