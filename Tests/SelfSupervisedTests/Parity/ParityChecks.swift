import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

extension XCTestCase {
  /// Compares loss, gradients and running statistics of one step with a reference's.
  @discardableResult
  func checkStep<M: LearningMethod>(
    of run: ReferenceRun<M>, with file: String, size: Size2D = 16, tolerance: Double = 1e-4
  ) throws -> StepLoss where M.Views == ViewPair {
    try checkStep(
      of: run, on: ViewPair(formula: "step", 8, size: size), with: file, tolerance: tolerance)
  }

  /// The same on given views.
  @discardableResult
  func checkStep<M: LearningMethod>(
    of run: ReferenceRun<M>, on views: M.Views, with file: String, tolerance: Double = 1e-4
  ) throws -> StepLoss {
    let reference = try StateDict(contentsOf: fixture(file))
    let loss = run.learner.stepLoss(of: views)
    let lossError = relativeError(loss.value.scalars, try XCTUnwrap(reference["loss"]).scalars)
    XCTAssertLessThan(lossError, 1e-5)
    loss.backward()
    compare(run.gradients, with: reference.scoped(to: "gradient"), tolerance)
    compare(run.runningStatistics(), with: reference.scoped(to: "buffer"), 1e-5)
    return loss
  }

  /// Compares arrays by name, whole or by their digests.
  func compare(
    _ found: [String: [Float]], with reference: StateDict, _ tolerance: Double
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

  /// The losses of some steps on the references' images; `after` is called with each step's number.
  func trace<M: LearningMethod>(
    of run: ReferenceRun<M>, steps: Int, count: Int = 32, optimizer: some Optimizer,
    after: (Int) -> Void = { _ in }
  ) -> [Double] where M.Views == ViewPair {
    losses(of: run, steps: steps, optimizer: optimizer, after: after) { step in
      ViewPair(formula: "trace\(step)", count, size: 16)
    }
  }

  /// The same on given views.
  func losses<M: LearningMethod>(
    of run: ReferenceRun<M>, steps: Int, optimizer: some Optimizer,
    after: (Int) -> Void = { _ in }, on views: (Int) -> M.Views
  ) -> [Double] {
    (0..<steps).map { step in
      let loss = run.learner.loss(views(step))
      optimizer.zeroGradients()
      loss.backward()
      optimizer.step()
      run.learner.updateMovingAverage()
      after(step)
      return Double(loss.item)
    }
  }

  /// Compares a trace with a reference's: the first ten steps, every step and the mean of the last
  /// twenty.
  func checkTrace(_ losses: [Double], with reference: [Double], anyStep: Double = 3e-2) {
    // MoCo's first loss is zero, for its queue is empty.
    let errors = zip(losses, reference).map { abs($0 - $1) / max(abs($1), 1e-6) }
    XCTAssertLessThan(errors[..<10].max() ?? 1, 1e-4)
    XCTAssertLessThan(errors.max() ?? 1, anyStep)
    let expected = reference[..<losses.count].suffix(20).reduce(0, +)
    XCTAssertEqual(losses.suffix(20).reduce(0, +), expected, accuracy: 1e-2 * abs(expected))
  }

  /// The numbers of a JSON file of `Fixtures`.
  func decodedFixture<Value: Decodable>(_ type: Value.Type, _ file: String) throws -> Value {
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture(file)))
    return try JSONDecoder().decode(type, from: data)
  }
}

extension ViewPair {
  /// The views of the references, and `local` ones of another size.
  init(
    formula name: String, _ count: Int, size: Size2D, local: (count: Int, size: Size2D) = (0, 8)
  ) {
    self.init(
      first: Formula.images(name, view: 1, count, size: size),
      second: Formula.images(name, view: 2, count, size: size),
      locals: (0..<local.count).map {
        Formula.images(name, view: 3 + $0, count, size: local.size)
      })
  }
}
