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

/// Writes `<prefix>-images-idx4-ubyte`, of shape [count, size, size, 3], and
/// `<prefix>-labels-idx1-ubyte`.
func write(_ shapes: Shapes, as prefix: String, in directory: String) throws {
  let images = shapes.images(in: 0..<shapes.count)
  let bytes = images.scalars.map { UInt8(($0 * 255).rounded()) }
  let labels = shapes.labels.map { UInt8($0) }
  for (name, file) in [
    ("images-idx4-ubyte", idx(images.shape.dimensions, bytes)),
    ("labels-idx1-ubyte", idx([shapes.count], labels)),
  ] {
    try writeAtomically(to: "\(directory)/\(prefix)-\(name)") { try $0.write(contentsOf: file) }
  }
}

runProgram("ShapesToIDX") {
  let words = CommandLine.arguments.dropFirst()
  guard let path = words.first, words.count <= 3, let seed = UInt64(words.dropFirst().first ?? "0"),
    let size = Int(words.dropFirst(2).first ?? "32"), (8...1_024).contains(size)
  else {
    throw UsageError("usage: ShapesToIDX DIRECTORY [SEED [SIZE]], of 8 to 1024 pixels, or 32")
  }
  try makeDirectory(at: path)
  try write(Shapes(count: 20_000, size: size, seed: 2 * seed), as: "train", in: path)
  try write(Shapes(count: 2_000, size: size, seed: 2 * seed + 1), as: "t10k", in: path)
}
