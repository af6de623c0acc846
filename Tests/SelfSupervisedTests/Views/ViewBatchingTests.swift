import Foundation
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

  /// What rounding may do: each sum of k terms is within k · 2⁻²⁴ of their magnitudes, for the 2,304
  /// terms of the widest of twenty layers. Products of other sizes, and of shares of other numbers of
  /// threads, add up in another order.
  private let rounding = 20.0 * 2_304 / 16_777_216

  private func resNet() -> ResNet {
    withRandomSeed(3) { ResNet.resNet18(stem: .small, width: 32) }
  }

  func testAtOnceIsWhatOneByOneIs() {
    for useMomentum in [true, false] {
      check("BYOL, \(useMomentum)", { $0.loss($1).itemAfterBackward }) { net, layer in
        BYOL.small(net, hiddenLayer: layer, useMomentum: useMomentum)
      }
    }
    check("SimCLR", { $0.loss($1).itemAfterBackward }) { net, layer in
      SimCLR.small(net, hiddenLayer: layer)
    }
    check("SimCLR in chunks", { $0.backward($1, chunkSize: 3).item }) { net, layer in
      SimCLR.small(net, hiddenLayer: layer)
    }
    check("NNCLR", { $0.loss($1).itemAfterBackward }) { net, layer in
      NNCLR.small(net, hiddenLayer: layer)
    }
  }

  /// A learner of a network that takes both views at once, and one of the same network behind a module that
  /// is not said to treat images alone.
  private func check<M: LearningMethod>(
    _ name: String, _ backward: (MethodLearner<M>, ViewPair) -> Float,
    _ learner: (any Module, HiddenLayer) -> MethodLearner<M>
  ) {
    let apart = Counting(resNet())
    let learners = [learner(resNet(), "avgpool"), learner(apart, "inner.avgpool")]
    XCTAssertEqual(learners.map { $0.pass().fusesViews }, [true, false], name)
    let before = apart.calls
    let losses = learners.map { backward($0, views) }
    XCTAssertGreaterThan(apart.calls - before, 1, name)
    XCTAssertEqual(losses[0], losses[1], accuracy: Float(rounding) * abs(losses[1]), name)
    let gradients = learners.map { $0.parameters.flatMap { $0.gradient?.scalars ?? [] } }
    XCTAssertLessThan(relativeError(gradients[0], gradients[1]), rounding, name)
    let states = learners.map(\.state)
    for entry in states[0].names {
      // The same entry of the network behind the counting module.
      let other = entry.replacingOccurrences(of: "net.", with: "net.inner.")
      guard let one = states[0][entry], let two = states[1][other] ?? states[1][entry] else {
        XCTFail("\(name): \(entry)")
        continue
      }
      let scale = max(1, abs(two).max().item)
      XCTAssertLessThan(abs(one - two).max().item, Float(rounding) * scale, "\(name): \(entry)")
    }
  }

  /// A network without many weights gains nothing, and nor does one that may mix images.
  func testWhichNetworksTakeBatchesAtOnce() {
    func takes(_ net: any Module, _ layer: HiddenLayer) -> Bool {
      BYOL.small(net, hiddenLayer: layer).pass().fusesViews
    }
    XCTAssertTrue(takes(resNet(), "avgpool"))
    XCTAssertFalse(takes(ResNet.resNet18(stem: .small, width: 8), "avgpool"))
    let mixing = Sequential {
      Lambda { $0 - $0.mean(axes: [0], keepingAxes: true) }
      Flatten()
      Linear(16 * 16 * 3, 2_000)
    }
    XCTAssertFalse(mixing.isSampleIndependent)
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

extension Tensor {
  fileprivate var itemAfterBackward: Float {
    backward()
    return item
  }
}
