import Foundation
import SelfSupervised
import Tensor
import XCTest

/// An image of values drawn evenly from 0...1.
func randomImage(_ height: Int, _ width: Int, _ channels: Int, seed: UInt64 = 1) -> PixelImage {
  var stream = RandomStream(seed: seed)
  return PixelImage(.uniform([height, width, channels], using: &stream))
}

/// Images and what torchvision makes of them, as Fixtures/torchvision_augmentations.py wrote them.
struct TorchvisionFixture {
  private struct Case: Decodable {
    let shape: [Int]
    let values: [Float]
  }

  private let cases: [String: Case]

  init() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/torchvision_augmentations.json")
    cases = try JSONDecoder().decode([String: Case].self, from: Data(contentsOf: file))
  }

  func image(_ name: String) throws -> PixelImage {
    let found = try XCTUnwrap(cases[name], "no case \(name) in the fixture")
    return PixelImage(Tensor(found.values, shape: TensorShape(found.shape)))
  }
}

/// Fails unless both images have one shape and no value differs by more than `accuracy`.
func assertClose(
  _ image: PixelImage, _ expected: PixelImage, accuracy: Float = 2e-6, _ message: String = "",
  file: StaticString = #filePath, line: UInt = #line
) {
  guard image.pixels.shape == expected.pixels.shape else {
    return XCTFail("\(image) is not like \(expected): \(message)", file: file, line: line)
  }
  let differences = zip(image.pixels.scalars, expected.pixels.scalars).map { abs($0 - $1) }
  let worst = differences.max() ?? 0
  XCTAssert(
    worst <= accuracy, "differs by \(worst) where \(accuracy) is allowed: \(message)", file: file,
    line: line)
}

/// Fails unless `count` of `trials` is within four standard deviations of a draw with `probability`.
func assertFrequency(
  _ count: Int, of trials: Int, _ probability: Double, _ message: String = "",
  file: StaticString = #filePath, line: UInt = #line
) {
  let share = Double(count) / Double(trials)
  let deviation = (probability * (1 - probability) / Double(trials)).squareRoot()
  XCTAssertEqual(share, probability, accuracy: 4 * deviation, message, file: file, line: line)
}
