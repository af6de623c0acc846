import Datasets
import Tensor
import XCTest

@testable import Training

final class KNNEvaluatorTests: XCTestCase {
  private let evaluator = KNNEvaluator(
    bank: Shapes(count: 40, size: 12, seed: 0).inMemory(),
    queries: Shapes(count: 20, size: 12, seed: 1).inMemory())

  func testFiniteFeaturesAreJudged() throws {
    let share = try evaluator.accuracy { $0.flattened(from: 1) }
    XCTAssertTrue((0...1).contains(share))
    XCTAssertEqual(try evaluator.accuracyOfPixels(), share)
  }

  /// One number that is none, in the bank or among the queries, says nothing about the rest.
  func testFeaturesThatAreNotFiniteAreAnError() {
    for (count, value) in [(40, Float.nan), (20, .nan), (20, .infinity)] {
      let judged = {
        try self.evaluator.accuracy { images in
          var features = images.flattened(from: 1)
          if images.shape[0] == count { features.mutate { $0[3] = value } }
          return features
        }
      }
      XCTAssertThrowsError(try judged()) { error in
        let text = "\(error)"
        XCTAssertTrue(
          text.hasPrefix("the features of 1 of \(count) images are NaN or infinite: the training"),
          text)
      }
    }
  }
}
