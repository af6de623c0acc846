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
    withRandomSeed(3) { ResNet.resNet18(stem: .small, width: 8) }
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
      let before = apart.calls
      let losses = learners.map { learner in
        let loss = learner.loss(views)
        loss.backward()
        return loss.item
      }
      XCTAssertEqual(apart.calls - before, useMomentum ? 4 : 2)
      XCTAssertEqual(losses[0], losses[1], accuracy: 1e-5)
      let gradients = learners.map { $0.parameters.flatMap { $0.gradient?.scalars ?? [] } }
      XCTAssertLessThan(relativeError(gradients[0], gradients[1]), 1e-4)
      for (one, other) in zip(net.buffers, apart.buffers) {
        XCTAssertLessThan(largestError(one.value.scalars, other.value.scalars), 1e-5)
      }
    }
  }

  /// Modules that are not said to treat images alone are not given two batches as one.
  func testWhatMayMixImagesRunsOneByOne() {
    var shapes: [Shape] = []
    let net = Sequential {
      Lambda { images in
        shapes.append(images.shape)
        return images - images.mean(axes: [0], keepingAxes: true)
      }
      Conv2d(3, 4, kernelSize: 3)
    }
    XCTAssertFalse(net.isImagewise)
    func halves(_ batching: ViewBatching, _ modules: any Module...) -> ViewPair {
      modules.isEmpty
        ? batching(views, run: net.callAsFunction)
        : batching(views, through: modules[0], run: net.callAsFunction)
    }
    let apart = halves(.separate, net)
    XCTAssertEqual(apart.first.scalars, net(views.first).scalars)
    XCTAssertEqual(apart.second.scalars, net(views.second).scalars)
    XCTAssertEqual(shapes.map { $0[0] }, [6, 6, 6, 6])
    // Nor is anything that does not say what it uses.
    XCTAssertEqual(halves(.separate).second.scalars, apart.second.scalars)
    XCTAssertNotEqual(halves(.joint, net).second.scalars, apart.second.scalars)
  }
}
