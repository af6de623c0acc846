import Tensor
import XCTest

@testable import Nets

final class ModeTests: XCTestCase {
  private struct Failure: Error {}

  func testTrainAndEvaluateReachEveryLayer() {
    let net = Sequential([BatchNorm(1), Sequential([Dropout(), ReLU()])])
    net.eval()
    XCTAssertEqual(net.modeDependents.map { $0.mode == .evaluation }, [true, true])
    net.train()
    XCTAssertEqual(net.modeDependents.map { $0.mode == .training }, [true, true])
  }

  func testEvaluatingRestoresEachLayersOwnMode() {
    let (norm, dropout) = (BatchNorm(1), Dropout())
    let net = Sequential([norm, dropout])
    norm.mode = .evaluation
    net.evaluating { XCTAssertEqual(dropout.mode, .evaluation) }
    XCTAssertEqual(norm.mode, .evaluation)
    XCTAssertEqual(dropout.mode, .training)
    XCTAssertThrowsError(try net.evaluating { throw Failure() })
    XCTAssertEqual(dropout.mode, .training)
  }
}
