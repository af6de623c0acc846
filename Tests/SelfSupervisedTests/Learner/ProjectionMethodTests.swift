import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Large batches in chunks: the gradients are those of one graph.
final class ProjectionMethodTests: XCTestCase {
  private func views(_ count: Int) -> ViewPair {
    let make = { Formula.images("chunks", view: $0, count, size: 16) }
    return ViewPair(first: make(1), second: make(2))
  }

  private func groupNormNet() -> SmoothCNN { withRandomSeed(5) { SmoothCNN() } }

  private func gradients(of learner: some Learner, _ body: () -> Float) -> [Float] {
    learner.parameters.forEach { $0.gradient = nil }
    let loss = body()
    return [loss] + learner.parameters.flatMap { $0.gradient?.scalars ?? [] }
  }

  // MARK: - Without batch norm

  func testEqualsTheWholeBatchWithoutBatchNorm() {
    for batching in [ViewBatching.separate, .joint] {
      let learner = SimCLR.small(
        groupNormNet(), head: .plain, temperature: 0.1,
        viewBatching: batching)
      let views = views(13)
      let whole = gradients(of: learner) {
        let loss = learner.loss(views)
        loss.backward()
        return loss.item
      }
      for chunkSize in [1, 2, 5, 6, 12, 13, 100] {
        let chunked = gradients(of: learner) { learner.backward(views, chunkSize: chunkSize).item }
        XCTAssertEqual(chunked[0], whole[0], accuracy: 1e-5 * abs(whole[0]))
        XCTAssertLessThan(relativeError(chunked, whole), 1e-6, "chunks of \(chunkSize)")
      }
    }
  }

  /// The predictor's batch norm sees the whole batch, and the queue each row once.
  func testNNCLREqualsTheWholeBatch() {
    for variant in [NNCLRMethod.Variant.paper, .keras] {
      let learners = (0..<2).map { _ in
        let learner = NNCLR.small(groupNormNet(), variant: variant)
        learner.projector.eval()
        return learner
      }
      for _ in 0..<3 {
        let whole = gradients(of: learners[0]) {
          let loss = learners[0].loss(views(7))
          loss.backward()
          return loss.item
        }
        let chunked = gradients(of: learners[1]) {
          learners[1].backward(views(7), chunkSize: 3).item
        }
        XCTAssertLessThan(relativeError(chunked, whole), 1e-5)
        for learner in learners {
          SGD(learner.parameters, learningRate: 0).step()
          learner.updateMovingAverage()
        }
        let queues = learners.map(\.parts.queue.rows.scalars)
        XCTAssertLessThan(relativeError(queues[1], queues[0]), 1e-5)
        XCTAssertFalse(queues[0].isEmpty)
      }
    }
  }

  // MARK: - With batch norm and dropout

  /// The same chunks recorded all at once, which needs the memory that chunks are there to save.
  func testEqualsOneGraphOfChunks() {
    for batching in [ViewBatching.separate, .joint] {
      let learners = (0..<2).map { _ in
        SimCLR.small(seededCNN(), hiddenLayer: "dropout", viewBatching: batching)
      }
      let views = views(9)
      let whole = gradients(of: learners[0]) {
        let chunks = [0..<3, 3..<6, 6..<9].map { range in
          learners[0].pass().project(
            ViewPair(first: views.first[range], second: views.second[range]))
        }
        let loss = learners[0].loss(
          projections: ViewPair(
            first: concatenated(chunks.map(\.first)), second: concatenated(chunks.map(\.second))))
        loss.backward()
        return loss.item
      }
      let chunked = gradients(of: learners[1]) { learners[1].backward(views, chunkSize: 4).item }
      XCTAssertLessThan(relativeError(chunked, whole), 1e-5)
      // Running statistics have moved once per chunk, and dropout has drawn once.
      let numbers = learners.map { bits(of: $0.net, $0.projector) }
      XCTAssertEqual(numbers[0], numbers[1])
      let streams = learners.map { ($0.net as? PlainCNN)?.dropout.stream }
      XCTAssertEqual(streams[0], streams[1])
    }
  }

  private func seededCNN() -> PlainCNN { withRandomSeed(4) { PlainCNN() } }

  func testRehearsalLeavesNoTrace() {
    let net = PlainCNN()
    let (before, stream, images) = (bits(of: net), net.dropout.stream, views(4).first)
    let outputs = (0..<2).map { _ in net.restoringState { net(images).scalars } }
    XCTAssertEqual(outputs[0], outputs[1])
    XCTAssertEqual(bits(of: net), before)
    XCTAssertEqual(net.dropout.stream, stream)
    _ = net(images)
    XCTAssertNotEqual(bits(of: net), before)
    XCTAssertNotEqual(net.dropout.stream, stream)
  }

  // MARK: - Memory and calls

  func testTheNetworkNeverSeesMoreThanAChunk() {
    for (batching, rows) in [(ViewBatching.separate, 4), (.joint, 8)] {
      let net = Widest(groupNormNet())
      let learner = SimCLR.small(net, hiddenLayer: "inner.pool", viewBatching: batching)
      net.largest = 0
      learner.backward(views(15), chunkSize: 4)
      XCTAssertEqual(net.largest, rows)
    }
  }

  func testImagesAreViewedOnce() {
    let learners = (0..<2).map { _ in
      SimCLR.small(groupNormNet(), head: .plain)
    }
    let images = views(6).first
    XCTAssertEqual(
      learners[0].backward(images, chunkSize: 2).item, learners[1](images).item, accuracy: 1e-5)
    XCTAssertEqual(learners[0].stream, learners[1].stream)
  }

  func testAStepMovesTheNetwork() {
    let learner = SimCLR.small(seededCNN())
    let optimizer = SGD(learner.parameters, learningRate: 0.1)
    let before = bits(of: learner.net)
    learner.backward(views(8), chunkSize: 4)
    optimizer.step()
    XCTAssertNotEqual(bits(of: learner.net), before)
  }
}

/// Notes the largest batch that went through it.
private final class Widest: Module {
  let inner: any Module
  var largest = 0

  init(_ inner: any Module) { self.inner = inner }

  func forward(_ x: Tensor) -> Tensor {
    largest = max(largest, x.shape[0])
    return inner(x)
  }
}
