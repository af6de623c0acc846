import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Separate views go through a network at once where that makes no difference.
final class ViewBatchingTests: XCTestCase {
  private let views = ViewPair(
    first: Formula.images("batching", view: 1, 6, size: 16),
    second: Formula.images("batching", view: 2, 6, size: 16))

  private func resNet() -> ResNet {
    withRandomSeed(3) { ResNet.resNet18(stem: .small, width: 32) }
  }

  func testAtOnceIsWhatOneByOneIs() {
    for useMomentum in [true, false] {
      let (net, other) = (resNet(), resNet())
      let apart = Counting(other)
      XCTAssertTrue(net.isImagewise)
      XCTAssertFalse(apart.isImagewise)
      let learners = [
        BYOL.small(net, hiddenLayer: "avgpool", useMomentum: useMomentum),
        BYOL.small(apart, hiddenLayer: "inner.avgpool", useMomentum: useMomentum),
      ]
      XCTAssertEqual(learners.map(\.takesBatchesAtOnce), [true, false])
      let before = apart.calls
      let losses = learners.map { learner in
        let loss = learner.loss(views)
        loss.backward()
        return loss.item
      }
      XCTAssertEqual(apart.calls - before, useMomentum ? 4 : 2)
      XCTAssertEqual(losses[0], losses[1], accuracy: 1e-5 * losses[1])
      let gradients = learners.map { $0.parameters.flatMap { $0.gradient?.scalars ?? [] } }
      XCTAssertLessThan(relativeError(gradients[0], gradients[1]), 1e-4)
      for (one, other) in zip(net.buffers, apart.buffers) {
        XCTAssertLessThan(largestError(one.value.scalars, other.value.scalars), 1e-5)
      }
    }
  }

  /// A network without many weights gains nothing, and nor does one that may mix images.
  func testWhichNetworksTakeBatchesAtOnce() {
    func takes(_ net: any Module, _ layer: HiddenLayer) -> Bool {
      BYOL.small(net, hiddenLayer: layer).takesBatchesAtOnce
    }
    XCTAssertTrue(takes(resNet(), "avgpool"))
    XCTAssertFalse(takes(ResNet.resNet18(stem: .small, width: 8), "avgpool"))
    let mixing = Sequential {
      Lambda { $0 - $0.mean(axes: [0], keepingAxes: true) }
      Flatten()
      Linear(16 * 16 * 3, 2_000)
    }
    XCTAssertFalse(mixing.isImagewise)
    XCTAssertFalse(takes(mixing, -1))
  }

  func testSeparateViewsOfOneFunction() {
    func centred(_ batching: ViewBatching) -> ViewPair {
      batching(views) { $0 - $0.mean(axes: [0], keepingAxes: true) }
    }
    let apart = centred(.separate)
    for (found, view) in [(apart.first, views.first), (apart.second, views.second)] {
      XCTAssertEqual(found.scalars, (view - view.mean(axes: [0], keepingAxes: true)).scalars)
    }
    XCTAssertNotEqual(centred(.joint).second.scalars, apart.second.scalars)
  }
}
