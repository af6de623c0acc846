import Datasets
import Foundation
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

final class EmbeddingsTests: XCTestCase {
  private let shapes = Shapes(count: 12, size: 24, seed: 3).inMemory()

  private static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  private func net() -> ResNet {
    withRandomSeed(4) { ResNet.resNet10(stem: .small, width: 4, classCount: 5) }
  }

  func testRowsAreTheLayersOutputsInEvaluationMode() throws {
    let net = net()
    let before = net.state
    let found = try Embeddings(of: shapes, by: net, hiddenLayer: "avgpool", imageSize: 16)
    let images = resized(shapes.images(in: 0..<12), to: 16)
    let trunk = Sequential(
      [net.conv1, net.bn1, ReLU(), net.layer1, net.layer2, net.layer3, net.layer4])
    let rows = trunk.evaluating { trunk(images) }.mean(axes: [1, 2])
    XCTAssertEqual(found.features.shape, [12, 32])
    XCTAssertEqual(Self.largestDifference(found.features.scalars, rows.scalars), 0, accuracy: 1e-5)
    XCTAssertEqual(found.names, (0..<12).map { "\($0)" })
    XCTAssertEqual(found.labels, shapes.labels)
    XCTAssertEqual(net.state.entries.map(\.value.scalars), before.entries.map(\.value.scalars))
  }

  func testTablesHaveALineForEachPicture() throws {
    try withTemporaryFolder { folder in
      let part = LabeledImages(
        images: .ones([2, 8, 8, 3]), labels: [1, 0], classNames: ["a \"b\"", "c,d"])
      let embeddings = Embeddings(
        joining: [
          Embeddings(Tensor([0.5, -1.25, 3e-10, 2], shape: [2, 2]), of: part),
          Embeddings(Tensor([7, 8, 9, 10], shape: [2, 2]), of: part, named: "test"),
        ])
      let path = "\(folder)/embeddings.csv"
      try embeddings.write(to: path)
      XCTAssertEqual(
        try String(contentsOfFile: path, encoding: .utf8),
        """
        path,label,embedding_0,embedding_1
        0,"c,d",0.5,-1.25
        1,"a ""b""\",3e-10,2.0
        test/0,"c,d",7.0,8.0
        test/1,"a ""b""\",9.0,10.0

        """)
    }
  }

  /// The format of version 1.0, byte for byte: numpy.lib.format's description of it.
  func testNumPyFiles() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/numbers.npy"
      try Tensor([1, 2, 3, 4, 5, -6.5], shape: [2, 3]).writeNumPy(to: path)
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      XCTAssertEqual(Array(bytes[..<8]), [0x93] + Array("NUMPY".utf8) + [1, 0])
      let length = Int(bytes[8]) + 256 * Int(bytes[9])
      XCTAssertEqual((10 + length) % 64, 0)
      let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
      XCTAssertEqual(
        header.trimmingCharacters(in: .whitespacesAndNewlines),
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,), }")
      XCTAssertEqual(header.last, "\n")
      let numbers = bytes[(10 + length)...].chunked(4).map { word in
        Float(bitPattern: word.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
      }
      XCTAssertEqual(numbers, [1, 2, 3, 4, 5, -6.5])
    }
  }

  func testNearestAreThoseOfTheLargestCosine() throws {
    var stream = RandomStream(seed: 9)
    let bank = Tensor.normal([30, 6], using: &stream)
    let queries = Tensor.normal([4, 6], using: &stream)
    let embeddings = Embeddings(bank, of: LabeledImages(images: .zeros([30, 4, 4, 1])))
    for (row, found) in embeddings.nearest(to: queries, count: 5).enumerated() {
      let query = queries[row].scalars
      let cosines = (0..<30).map { index in
        let other = bank[index].scalars
        let product = zip(query, other).reduce(0) { $0 + $1.0 * $1.1 }
        let squares = [query, other].map { $0.reduce(0) { $0 + $1 * $1 } }
        return product / (squares[0] * squares[1]).squareRoot()
      }
      let best = Array(cosines.indices.sorted { cosines[$0] > cosines[$1] }.prefix(5))
      XCTAssertEqual(found.indices, best)
      XCTAssertEqual(
        Self.largestDifference(found.similarities, best.map { cosines[$0] }), 0, accuracy: 1e-5)
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate func chunked(_ count: Int) -> [[UInt8]] {
    stride(from: startIndex, to: endIndex, by: count).map { Array(self[$0..<$0 + count]) }
  }
}
