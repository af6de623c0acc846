// Writes the images of `pretrain --data shapes` as IDX files, for programs in other languages.
import Arguments
import Datasets
import Foundation
import Tensor

/// An array of bytes in the IDX format: see `IDXArray`.
func idx(_ dimensions: [Int], _ bytes: [UInt8]) -> Data {
  let sizes = dimensions.flatMap { size in
    (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
  }
  return Data([0, 0, 8, UInt8(dimensions.count)] + sizes + bytes)
}

/// Writes `<prefix>-images-idx4-ubyte`, of shape [count, 32, 32, 3], and `<prefix>-labels-idx1-ubyte`.
func write(_ shapes: Shapes, as prefix: String, in directory: URL) throws {
  let images = shapes.images(in: 0..<shapes.count)
  let bytes = images.scalars.map { UInt8(($0 * 255).rounded()) }
  try idx(images.shape.dimensions, bytes)
    .write(to: directory.appendingPathComponent("\(prefix)-images-idx4-ubyte"))
  try idx([shapes.count], shapes.labels.map { UInt8($0) })
    .write(to: directory.appendingPathComponent("\(prefix)-labels-idx1-ubyte"))
}

runProgram("ShapesToIDX") {
  let words = CommandLine.arguments.dropFirst()
  guard let path = words.first, words.count <= 2, let seed = UInt64(words.dropFirst().first ?? "0")
  else {
    throw UsageError("usage: ShapesToIDX DIRECTORY [SEED]")
  }
  let directory = URL(fileURLWithPath: path)
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  try write(Shapes(count: 20_000, seed: 2 * seed), as: "train", in: directory)
  try write(Shapes(count: 2_000, seed: 2 * seed + 1), as: "t10k", in: directory)
}
