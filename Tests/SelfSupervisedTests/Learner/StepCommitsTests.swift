import Foundation
import Nets
import Tensor
import XCTest

@testable import SelfSupervised

/// Targets follow and memories grow once for each step of the optimizer, however the loop is written.
final class StepCommitsTests: XCTestCase {
  // MARK: - Loops

  func testForgottenDoubledAndEarlyUpdatesChangeNothing() {
    for method in methods() {
      let usual = state(of: method.make(TinyNet(dropout: 0.3)), after: .usual)
      XCTAssertEqual(usual["target.net.conv.weight"] != nil, method.hasTarget, method.name)
      XCTAssertEqual(usual["queue.rows"] != nil, method.hasMemory, method.name)
      if method.hasTarget { XCTAssertEqual(usual.metadata["target.step"], "3", method.name) }
      if method.hasMemory { XCTAssertEqual(usual["queue.count"]?.item, 11, method.name) }
      for loop in [Loop.withoutUpdate, .updatingTwice, .updatingBeforeTheStep] {
        let other = state(of: method.make(TinyNet(dropout: 0.3)), after: loop)
        assertSame(other, usual, "\(method.name), \(loop)")
      }
    }
  }

  func testUpdatesAmongAccumulatedBatchesChangeNothing() {
    for method in methods() {
      let once = state(of: method.make(TinyNet(dropout: 0.3)), after: .usual, batchesPerStep: 4)
      if method.hasTarget { XCTAssertEqual(once.metadata["target.step"], "3", method.name) }
      for loop in [Loop.withoutUpdate, .updatingAfterEveryBatch] {
        let other = state(of: method.make(TinyNet(dropout: 0.3)), after: loop, batchesPerStep: 4)
        assertSame(other, once, "\(method.name), \(loop)")
      }
    }
  }

  func testTheTargetMovesOnceForAccumulatedBatches() {
    for method in methods() where method.hasTarget {
      let learner = method.make(TinyNet())
      takeStep(learner, batches: [images(4)])  // MoCo's loss is zero while its queue is empty.
      let before = learner.state
      takeStep(learner, batches: (0..<4).map { images($0) })
      let after = learner.state
      XCTAssertEqual(after.metadata["target.step"], "2", method.name)
      var count = 0
      for entry in after.entries where entry.name.hasPrefix("target.") && isWeight(entry.name) {
        guard let old = before[entry.name]?.scalars,
          let online = after[String(entry.name.dropFirst("target.".count))]?.scalars
        else {
          XCTFail("\(method.name), \(entry.name)")
          continue
        }
        count += 1
        for ((was, network), target) in zip(zip(old, online), entry.value.scalars) {
          XCTAssertEqual(
            target, 0.75 * was + 0.25 * network, accuracy: 1e-6, "\(method.name), \(entry.name)")
        }
      }
      XCTAssertGreaterThan(count, 4, method.name)
      XCTAssertTrue(
        after["net.conv.weight"]?.scalars != before["net.conv.weight"]?.scalars, method.name)
      XCTAssertTrue(
        after["target.net.conv.weight"]?.scalars != before["target.net.conv.weight"]?.scalars,
        method.name)
    }
  }

  func testTheMemoryHoldsTheRowsOfAllAccumulatedBatches() throws {
    for variant in [NNCLRMethod.Variant.paper, .keras] {
      let learner = nnclr(TinyNet(), variant, queueSize: 40)
      let losses = (0..<4).map { learner.stepLoss(on: images($0)) }
      assertRows(of: learner.parts.queue, losses.map(\.projections)) {
        take(learner, losses)
      }
    }
    for isSymmetric in [false, true] {
      let learner = moco(TinyNet(), isSymmetric: isSymmetric, queueSize: 40)
      let views = (0..<4).map { learner.views(of: images($0), using: RandomStream(seed: 5)) }
      let target = learner.parts.target
      let keys = views.flatMap { pair in
        target.withTargetWeights {
          (isSymmetric ? [pair.second, pair.first] : [pair.second]).map { learner.project($0) }
        }
      }
      assertRows(of: learner.parts.queue, keys) {
        take(learner, views.map { learner.stepLoss(of: $0) })
      }
    }
  }

  // MARK: - Losses

  func testTheSameViewsGiveTheSameLossAndLeaveNoTrace() {
    for method in methods() {
      let learner = method.make(TinyNet())
      takeStep(learner, batches: [images(0)])
      assertRepeatable(learner, method.name)
    }
  }

  func testLossesThatNobodyDifferentiatesLeaveNoTrace() {
    for method in methods() {
      let plain = method.make(TinyNet())
      takeStep(plain, batches: [images(0)])
      takeStep(plain, batches: [images(1)])

      let unused = method.make(TinyNet())
      takeStep(unused, batches: [images(0)])
      withStreamRestored(unused) { _ = $0(images(2)) }
      takeStep(unused, batches: [images(1)])
      assertSame(
        unused.state, plain.state, statistics: false, "\(method.name), never differentiated")

      let unrecorded = method.make(TinyNet())
      takeStep(unrecorded, batches: [images(0)])
      withStreamRestored(unrecorded) { learner in withoutGradients { _ = learner(images(2)) } }
      takeStep(unrecorded, batches: [images(1)])
      assertSame(
        unrecorded.state, plain.state, statistics: false, "\(method.name), without gradients")

      let evaluated = method.make(TinyNet())
      takeStep(evaluated, batches: [images(0)])
      withStreamRestored(evaluated) { learner in
        learner.eval()
        learner(images(2)).backward()
        learner.train()
      }
      takeStep(evaluated, batches: [images(1)])
      assertSame(evaluated.state, plain.state, "\(method.name), in evaluation mode")
    }
  }

  func testDiscardedStepsEnterNoMemoryAndMoveNoTarget() {
    for method in methods() {
      let plain = method.make(TinyNet())
      takeStep(plain, batches: [images(0)])
      takeStep(plain, batches: [images(1)])

      let discarding = method.make(TinyNet())
      takeStep(discarding, batches: [images(0)])
      withStreamRestored(discarding) { learner in
        learner(images(2)).backward()
        learner.discardStep()
      }
      takeStep(discarding, batches: [images(1)])
      assertSame(discarding.state, plain.state, statistics: false, method.name)
      if method.hasMemory {
        let kept = method.make(TinyNet())
        takeStep(kept, batches: [images(0)])
        withStreamRestored(kept) { $0(images(2)).backward() }
        takeStep(kept, batches: [images(1)])
        XCTAssertTrue(
          kept.state["queue.rows"]?.scalars != plain.state["queue.rows"]?.scalars,
          "\(method.name): without discardStep() the rows are there")
      }
    }
  }

  func testTwoGivenViewsHaveALossWithGradients() {
    for method in methods() {
      let learner = method.make(TinyNet())
      takeStep(learner, batches: [images(0)])  // MoCo's loss is zero while its queue is empty.
      learner.parameters.forEach { $0.gradient = nil }
      let loss = learner.loss(images(1), images(2))
      XCTAssertEqual(loss.elementCount, 1, method.name)
      XCTAssertTrue(loss.item.isFinite, method.name)
      loss.backward()
      for module in [learner.net, learner.projector] {
        let gradients = module.parameters.compactMap(\.gradient)
        XCTAssertTrue(gradients.allSatisfy { $0.scalars.allSatisfy(\.isFinite) }, method.name)
        XCTAssertTrue(
          gradients.first?.scalars.contains { abs($0) > 1e-6 } == true,
          "\(method.name): no gradient reaches the first weight of \(type(of: module))")
      }
    }
  }

  // MARK: - Randomness

  func testViewsMoveNothingAndLossesMoveTheStream() {
    for method in methods() {
      assertDraws(method.make(TinyNet()), like: method.make(TinyNet()), method.name)
    }
  }

  // MARK: - Weights and labels

  func testWeightsLoadedAfterConstructionReachTheTargetAtTheFirstLoss() throws {
    for method in methods() where method.hasTarget {
      let net = TinyNet()
      let learner = method.make(net)
      let target = learner.state.scoped(to: "target.net")
      try net.load(TinyNet(seed: 9).state)
      XCTAssertNotEqual(target["conv.weight"]?.scalars, net.conv.weight.value.scalars)
      // In evaluation mode, so that running statistics stay what was loaded.
      net.evaluating { _ = learner(images(0)) }
      assertSame(learner.state.scoped(to: "target.net"), net.state, method.name)
    }
  }

  /// A checkpoint of step 0 has the loaded weights in its target too: who loads it goes on alike.
  func testStateBeforeTheFirstLossHasLoadedWeightsInItsTarget() throws {
    for method in methods() {
      let learners = [method.make(TinyNet()), method.make(TinyNet())]
      try learners[0].net.load(TinyNet(seed: 9).state)
      let saved = learners[0].state
      if method.hasTarget {
        assertSame(saved.scoped(to: "target.net"), learners[0].net.state, method.name)
      }
      try learners[1].load(saved)
      for learner in learners { (0..<2).forEach { takeStep(learner, batches: [images($0)]) } }
      assertSame(learners[1].state, learners[0].state, method.name)
    }
  }

  /// By hand: old + (1 - decay) · (network - old) once for four batches, bit for bit.
  func testTheTargetsNumbersAreThoseOfOneStep() throws {
    for method in methods() where method.hasTarget {
      let learner = method.make(TinyNet())
      let targets = learner.modulesAndParts.compactMap { $0 as? TargetNetwork }
      let target = try XCTUnwrap(targets.first, method.name)
      var values = target.values
      for step in 0..<3 {
        takeStep(learner, batches: (0..<4).map { images(4 * step + $0) })
        values = zip(values, target.parameters).map { old, parameter in
          old + 0.25 * (parameter.value.detached - old)
        }
        XCTAssertEqual(target.values.map(\.scalars), values.map(\.scalars), method.name)
        XCTAssertEqual(target.step, step + 1, method.name)
      }
    }
  }

  func testNeighborsAreCountedOnceTheMemoryHasLabels() {
    for variant in [NNCLRMethod.Variant.paper, .keras] {
      let learner = nnclr(TinyNet(), variant, queueSize: 11)
      let labels = [0, 0, 0, 0]
      let first = learner.stepLoss(on: images(0), labels: labels)
      XCTAssertTrue(first.metrics["right_neighbours"]?.isNaN == true)
      take(learner, [first])
      XCTAssertEqual(learner.stepLoss(on: images(1), labels: labels).metrics["right_neighbours"], 1)
      XCTAssertEqual(
        learner.stepLoss(on: images(1), labels: [0, 1, 1, 1]).metrics["right_neighbours"], 0.25)
      XCTAssertTrue(learner.stepLoss(on: images(1)).metrics["right_neighbours"]?.isNaN == true)
    }
  }

  /// A loss of one's own, made of projections, is no loss of the learner's: the call lets the target follow.
  func testTargetFollowsALossOfOnesOwnWhenItIsTold() throws {
    var stream = RandomStream(seed: 3)
    let images = Tensor.uniform([4, 12, 12, 3], in: 0..<1, using: &stream)
    let learner = BYOL(
      TinyNet(), imageSize: 12, hiddenLayer: "pool", projectionSize: 8, projectionHiddenSize: 16,
      movingAverageDecay: 0.75, seed: 1)
    let target = try XCTUnwrap(learner.parts.target)
    let before = target.values.map(\.scalars)
    square(learner.project(images)).sum().backward()
    SGD(learner.parameters, learningRate: 0.1).step()
    learner.updateMovingAverage()
    XCTAssertEqual(target.step, 1)
    XCTAssertNotEqual(target.values.map(\.scalars), before)
    learner.updateMovingAverage()
    XCTAssertEqual(target.step, 1)
  }
}

// MARK: - Steps

/// Where a loop calls `updateMovingAverage()`.
private enum Loop {
  case usual, withoutUpdate, updatingTwice, updatingBeforeTheStep, updatingAfterEveryBatch
}

/// Four images of 16 x 16 pixels, for each number others.
private func images(_ number: Int) -> Tensor {
  var stream = RandomStream(seed: 100 + UInt64(number))
  return .uniform([4, 16, 16, 3], in: 0..<1, using: &stream)
}

/// The state after three steps of SGD in a loop of some kind.
private func state(
  of learner: some Learner, after loop: Loop, batchesPerStep: Int = 1
) -> StateDict {
  let optimizer = SGD(learner.parameters, learningRate: 0.1)
  for step in 0..<3 {
    optimizer.zeroGradients()
    for batch in 0..<batchesPerStep {
      let loss = learner(images(batchesPerStep * step + batch))
      (loss / Float(batchesPerStep)).backward()
      if loop == .updatingAfterEveryBatch { learner.updateMovingAverage() }
    }
    if loop == .updatingBeforeTheStep { learner.updateMovingAverage() }
    optimizer.step()
    if loop == .usual || loop == .updatingTwice { learner.updateMovingAverage() }
    if loop == .updatingTwice { learner.updateMovingAverage() }
  }
  return learner.state
}

/// One step of SGD on some batches.
private func takeStep(_ learner: some Learner, batches: [Tensor]) {
  take(learner, batches.map { learner.stepLoss(on: $0) })
}

/// One step of SGD of given losses.
private func take(_ learner: some Learner, _ losses: [StepLoss]) {
  let optimizer = SGD(learner.parameters, learningRate: 0.1)
  optimizer.zeroGradients()
  losses.forEach { $0.backward() }
  optimizer.step()
  learner.updateMovingAverage()
}

/// Runs `body` and then restores the streams, so that later losses draw as if it had not run.
private func withStreamRestored(_ learner: any Learner, _ body: (any Learner) -> Void) {
  let streams = learner.randomStreams
  body(learner)
  learner.randomStreams = streams
}

// MARK: - Checks

/// Whether an entry of a state is neither a running statistic nor a count of batches.
private func isWeight(_ name: String) -> Bool {
  !name.contains("running_") && !name.contains("num_batches_tracked")
}

/// The metadata, with streams as what they are: the order in which words name their parts varies.
private func notes(of state: StateDict) -> [String: AnyHashable] {
  state.metadata.mapValues { note in
    (try? JSONDecoder().decode(RandomStream.self, from: Data(note.utf8))) ?? note as AnyHashable
  }
}

/// Fails unless two states have the same entries, bit for bit, and the same metadata; running
/// statistics are left out unless `statistics` is true.
private func assertSame(
  _ state: StateDict, _ other: StateDict, statistics: Bool = true, _ message: String,
  line: UInt = #line
) {
  XCTAssertEqual(state.names, other.names, message, line: line)
  XCTAssertEqual(notes(of: state), notes(of: other), message, line: line)
  let differing = state.entries.filter { entry in
    (statistics || isWeight(entry.name))
      && entry.value.scalars.map(\.bitPattern) != other[entry.name]?.scalars.map(\.bitPattern)
  }
  XCTAssertEqual(differing.map(\.name), [], message, line: line)
}

/// Fails unless the memory is empty before `body` and then holds these rows, in this order.
private func assertRows(
  of memory: MemoryBank, _ rows: [Tensor], after body: () -> Void, line: UInt = #line
) {
  XCTAssertEqual(memory.count, 0, line: line)
  body()
  let expected = rows.flatMap { l2Normalized($0.detached).scalars }
  XCTAssertEqual(memory.count, rows.reduce(0) { $0 + $1.shape[0] }, line: line)
  XCTAssertEqual(memory.rows.scalars.count, expected.count, line: line)
  for (row, number) in zip(memory.rows.scalars, expected) {
    XCTAssertEqual(row, number, accuracy: 1e-6, line: line)
  }
}

/// Fails unless the loss of given views is the same again and changes running statistics alone.
private func assertRepeatable(_ learner: some Learner, _ name: String) {
  let views = learner.views(of: images(3))
  let before = learner.state
  let losses = (0..<2).map { _ in learner.stepLoss(of: views).item.bitPattern }
  XCTAssertEqual(losses[0], losses[1], name)
  assertSame(learner.state, before, statistics: false, name)
}

/// Fails unless looking at views moves nothing, a loss draws these views and moves the stream, and
/// another learner of the same seed does the same.
private func assertDraws<L: Learner>(_ learner: L, like other: any Learner, _ name: String) {
  guard let other = other as? L else { return XCTFail(name) }
  let before = learner.state
  let views = learner.views(of: images(0))
  assertSame(learner.state, before, name)
  XCTAssertEqual(learner.viewPair(of: images(0)), as: views.pair, name)
  XCTAssertEqual(other.viewPair(of: images(0)), as: views.pair, name)
  let expected = learner.stepLoss(of: views).item
  XCTAssertEqual(learner.stream, other.stream, "given views move no stream: \(name)")
  let stream = learner.stream
  XCTAssertEqual(learner(images(0)).item, expected, name)
  XCTAssertEqual(other(images(0)).item, expected, name)
  XCTAssertNotEqual(learner.stream, stream, name)
  XCTAssertEqual(learner.stream, other.stream, name)
  XCTAssertNotEqual(learner.viewPair(of: images(0)).first.scalars, views.pair.first.scalars, name)
}

private func XCTAssertEqual(_ pair: ViewPair, as other: ViewPair, _ message: String) {
  XCTAssertEqual(pair.first.scalars, other.first.scalars, message)
  XCTAssertEqual(pair.second.scalars, other.second.scalars, message)
}
