import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class HeadsTests: XCTestCase {
  private func layers(_ head: any Module) -> [String] {
    head.namedModules.dropFirst().map { "\(type(of: $0.module))" }
  }

  func testStructures() {
    XCTAssertEqual(
      layers(Heads.byol(3, hidden: 4, outputs: 2)), ["Linear", "BatchNorm", "ReLU", "Linear"])
    let normalized = Heads.byolNormalized(3, hidden: 4, outputs: 2)
    XCTAssertEqual(layers(normalized), ["Linear", "BatchNorm", "ReLU", "Linear", "BatchNorm"])
    XCTAssertEqual(
      normalized.namedParameters.map(\.name), ["0.weight", "1.weight", "1.bias", "3.weight"])
    let projector = Heads.simSiamProjector(3, hidden: 4, outputs: 2)
    XCTAssertEqual(
      layers(projector),
      ["Linear", "BatchNorm", "ReLU", "Linear", "BatchNorm", "ReLU", "Linear", "BatchNorm"])
    XCTAssertEqual(
      projector.namedParameters.map(\.name),
      ["0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias", "6.weight"])
    XCTAssertEqual(
      Heads.simSiamPredictor(8, hidden: 2).namedParameters.map(\.name),
      ["0.weight", "1.weight", "1.bias", "3.weight", "3.bias"])
  }

  func testContrastiveStructures() {
    let (two, block) = (
      Heads.simCLR(3, hidden: 4, outputs: 2), ["Linear", "BatchNorm", "ReLU"]
    )
    XCTAssertEqual(layers(two), block + ["Linear", "BatchNorm"])
    for three in [Heads.nnclr(3, hidden: 4, outputs: 2), .simCLRThree] {
      XCTAssertEqual(layers(three), block + block + ["Linear", "BatchNorm"])
      XCTAssertEqual(
        three.namedParameters.map(\.name),
        [0, 3, 6].flatMap { ["\($0).weight", "\($0 + 1).weight", "\($0 + 1).bias"] })
    }
    // Google's last norm has a scale and no bias.
    let google = Sequential.simCLRThree.namedParameters
    XCTAssertEqual(google.filter { !$0.parameter.isTrainable }.map(\.name), ["7.bias"])
    XCTAssertTrue(Heads.nnclr(3, hidden: 4, outputs: 2).parameters.allSatisfy(\.isTrainable))
  }

  func testSimplicesSumToOne() {
    let configuration = SimplicialEmbedding.Configuration(
      simplexCount: 3, simplexSize: 4, temperature: 0.5)
    XCTAssertEqual(configuration.width, 12)
    let x = Tensor(Formula.centred("simplex", 24), shape: [2, 12])
    let y = SimplicialEmbedding(configuration)(x)
    XCTAssertEqual(y.shape, [2, 12])
    for sum in y.reshaped([6, 4]).sum(axes: [1]).scalars { XCTAssertEqual(sum, 1, accuracy: 1e-6) }
    let ratio = logf(y.scalars[0] / y.scalars[1])
    XCTAssertEqual(ratio, (x.scalars[0] - x.scalars[1]) / 0.5, accuracy: 1e-4)
  }
}

extension Sequential {
  fileprivate static var simCLRThree: Sequential {
    Heads.simCLRThreeLayer(3, hidden: 4, outputs: 2)
  }
}
