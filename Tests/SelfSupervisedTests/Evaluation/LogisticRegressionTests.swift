import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Logistic regression beside scikit-learn's, as Fixtures/logistic_regression.py has it.
final class LogisticRegressionTests: XCTestCase {
  private struct Expected: Decodable {
    let count: Int
    let c: Float
    let accuracy: Float
    let predictions: [Int]
  }

  private let (width, classCount) = (24, 5)

  /// Rows around the mean of their class, the classes in turn.
  private func rows(_ name: String, count: Int) -> (features: Tensor, labels: [Int]) {
    let labels = (0..<count).map { $0 % classCount }
    let means = Formula.centred("means", classCount * width)
    let noise = Formula.centred(name, count * width)
    let values = (0..<count * width).map { index in
      let place = labels[index / width] * width + index % width
      return means[place] + 2 * noise[index]
    }
    return (Tensor(values, shape: [count, width]), labels)
  }

  func testItClassifiesAsScikitLearnDoes() throws {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Fixtures/logistic-regression.json"
    let all = try JSONDecoder().decode(
      [Expected].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    XCTAssertEqual(all.count, 9)
    let queries = rows("queries", count: 400)
    for expected in all {
      let few = rows("rows\(expected.count)", count: expected.count)
      let model = LogisticRegression(
        few.features, labels: few.labels, inverseRegularization: expected.c, tolerance: 1e-5)
      let differing = zip(model.predict(queries.features), expected.predictions).count { $0 != $1 }
      // A query of 400 that lies on a border may fall to the other side in single precision.
      XCTAssertLessThanOrEqual(differing, 2, "\(expected.count), \(expected.c)")
      XCTAssertEqual(
        model.accuracy(queries.features, labels: queries.labels), expected.accuracy,
        accuracy: 0.005)
    }
  }

  /// The probabilities of a row add up to one, the largest is that of the class, and where labels say
  /// nothing each class is as probable as it is frequent.
  func testProbabilities() {
    let few = rows("rows60", count: 60)
    let classifier = LogisticRegression(few.features, labels: few.labels)
    let queries = rows("queries", count: 50).features
    let probabilities = classifier.probabilities(queries)
    XCTAssertEqual(probabilities.shape, [50, classCount])
    XCTAssertEqual(probabilities.argmax(), classifier.predict(queries))
    for sum in probabilities.sum(axes: [1]).scalars { XCTAssertEqual(sum, 1, accuracy: 1e-5) }
    let blind = LogisticRegression(.zeros([8, 3]), labels: [0, 0, 0, 0, 0, 0, 1, 1])
    let shares = blind.probabilities(.zeros([1, 3])).scalars
    XCTAssertEqual(shares[0], 0.75, accuracy: 1e-3)
    XCTAssertEqual(shares[1], 0.25, accuracy: 1e-3)
  }

  func testFewLabelsAreDrawnOfEachClass() {
    let labels = (0..<100).map { $0 % 10 == 0 ? 1 : 0 }
    for seed: UInt64 in 0..<20 {
      var stream = RandomStream(seed: seed)
      let rows = sampledIndices(of: labels, perClass: 4, using: &stream)
      XCTAssertEqual(rows, rows.sorted())
      XCTAssertEqual(Set(rows).count, 8)
      XCTAssertEqual(rows.count { labels[$0] == 1 }, 4)
    }
    var (first, second) = (RandomStream(seed: 1), RandomStream(seed: 2))
    XCTAssertNotEqual(
      sampledIndices(of: labels, perClass: 4, using: &first),
      sampledIndices(of: labels, perClass: 4, using: &second))
    var third = RandomStream(seed: 3)
    XCTAssertEqual(sampledIndices(of: labels, perClass: 20, using: &third).count, 30)
  }

  func testMoreLabelsServeBetterAndDrawsSpread() {
    let (bank, queries) = (rows("bank", count: 500), rows("queries", count: 400))
    let all = fewLabelAccuracies(
      bank: bank.features, labels: bank.labels, queries: queries.features,
      queryLabels: queries.labels, perClass: [1, 10, 100, 101])
    XCTAssertEqual(all.map(\.labelsPerClass), [1, 10, 100])
    XCTAssertTrue(all.allSatisfy { $0.accuracies.count == 5 })
    XCTAssertLessThan(all[0].mean + 0.1, all[1].mean)
    XCTAssertLessThan(all[1].mean, all[2].mean)
    XCTAssertGreaterThan(all[0].deviation, 0)
    // All of the bank's labels: every draw is the same.
    XCTAssertEqual(all[2].deviation, 0, accuracy: 1e-6)
  }

  func testMeanAndDeviation() {
    let accuracy = FewLabelAccuracy(labelsPerClass: 1, accuracies: [0.25, 0.75])
    XCTAssertEqual(accuracy.mean, 0.5)
    XCTAssertEqual(accuracy.deviation, 0.25)
  }
}
