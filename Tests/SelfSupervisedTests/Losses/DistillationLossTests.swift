import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class DistillationLossTests: XCTestCase {
  /// The divergence as it is written, in double precision.
  private func divergence(
    _ student: [[Double]], _ teacher: [[Double]], _ anchors: [[Double]], _ temperature: Double
  ) -> Double {
    func distribution(_ row: [Double]) -> [Double] {
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let powers = anchors.map { anchor in
        Foundation.exp(zip(row, anchor).reduce(0) { $0 + $1.0 * $1.1 } / length / temperature)
      }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    let rows = zip(student, teacher).map { student, teacher in
      zip(distribution(teacher), distribution(student)).reduce(0) {
        $0 + $1.0 * Foundation.log($1.0 / $1.1)
      }
    }
    return rows.reduce(0, +) / Double(rows.count)
  }

  func testIsTheDivergenceOfSimilarities() {
    let (student, teacher) = (formula("student", [5, 4]), formula("teacher", [5, 4]))
    let anchors = concatenated([l2Normalized(formula("anchors", [7, 4])), .zeros([2, 4])])
    for temperature in [0.07, 1] as [Float] {
      let loss = similarityDistillationLoss(
        student, from: teacher, anchors: anchors, temperature: temperature)
      let expected = divergence(
        doubles(student), doubles(teacher), doubles(anchors), Double(temperature))
      XCTAssertEqual(Double(loss.item), expected, accuracy: 1e-5 * max(1, expected))
    }
  }

  func testAStudentThatIsTheTeacherHasNothingToLearn() {
    let teacher = formula("teacher", [5, 4])
    let student = Parameter(3 * teacher)
    let loss = similarityDistillationLoss(
      student.value, from: teacher, anchors: l2Normalized(formula("anchors", [7, 4])))
    XCTAssertEqual(loss.item, 0, accuracy: 1e-6)
    loss.backward()
    XCTAssertEqual(student.gradient?.scalars.map(abs).max() ?? 1, 0, accuracy: 1e-6)
  }

  func testFeaturesAreTheMeanSquare() {
    let (student, teacher) = (formula("student", [5, 4]), formula("teacher", [5, 4]))
    let expected = zip(student.scalars, teacher.scalars).map { ($0 - $1) * ($0 - $1) }
    XCTAssertEqual(
      featureDistillationLoss(student, from: teacher).item, expected.reduce(0, +) / 20,
      accuracy: 1e-6)
  }

  func testNoGradientFlowsToTheTeacher() {
    let leaves = ["student", "teacher", "anchors"].map { Parameter(formula($0, [5, 4])) }
    (similarityDistillationLoss(
      leaves[0].value, from: leaves[1].value, anchors: leaves[2].value)
      + featureDistillationLoss(leaves[0].value, from: leaves[1].value)).backward()
    XCTAssertNotNil(leaves[0].gradient)
    XCTAssertNil(leaves[1].gradient)
    XCTAssertNil(leaves[2].gradient)
  }
}
