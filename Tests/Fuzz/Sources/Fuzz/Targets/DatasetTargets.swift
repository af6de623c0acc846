import Datasets
import Foundation

/// Two files of the IDX format: the length of the first, the images, and the labels.
struct IDXTarget: Target {
  func seeds() throws -> [Data] {
    [
      Data([20, 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4])
        + [0, 0, 8, 1, 0, 0, 0, 2, 7, 9],
      Data([16, 0, 0, 8, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]
  }

  func read(_ input: Data) {
    let count = Int(input.first ?? 0)
    let (images, labels) = (input.dropFirst().prefix(count), input.dropFirst(1 + count))
    readIDX(Data(images), Data(labels), ending: "")
  }
}

/// The same, where the input is the gzip data of the images.
struct PackedIDXTarget: Target {
  func seeds() throws -> [Data] {
    // Python 3.11: gzip.compress of an array of 2 by 2 by 3 bytes, 9, mtime=0
    [
      Data([
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x66,
        0x60, 0x60, 0x60, 0x82, 0x62, 0x66, 0x06, 0xe3, 0xb4, 0x99, 0x67, 0xfe, 0x33, 0x32, 0x31,
        0xb3, 0xb0, 0xb2, 0x01, 0x00, 0xf2, 0x72, 0xca, 0xe9, 0x1c, 0x00, 0x00, 0x00,
      ])
    ]
  }

  func read(_ input: Data) {
    readIDX(
      [0x1f, 0x8b] + input.dropFirst(2), Data([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]), ending: ".gz")
  }
}

private func readIDX(_ images: Data, _ labels: Data, ending: String) {
  let path = scratchFile("t10k-images-idx3-ubyte" + ending, images)
  _ = scratchFile("t10k-labels-idx1-ubyte", labels)
  for rank in 1...4 { _ = try? IDXArray(path: path, rank: rank) }
  use(try? IDXDataset.load(.test, directory: scratch))
}

/// A file of CIFAR-10: records of a label and an image, and an end of a record.
struct CIFARTarget: Target {
  func seeds() throws -> [Data] { [Data(count: 3_073), Data([9]), Data()] }

  func read(_ input: Data) {
    // Most inputs are shorter than an image, whose bytes all are right ones.
    let missing = input.isEmpty ? 0 : (3_073 - input.count % 3_073) % 3_073
    _ = scratchFile("test_batch.bin", input + Data(count: missing))
    use(try? CIFAR10.load(.test, directory: scratch))
    _ = scratchFile("test_batch.bin", input)
    use(try? CIFAR10.load(.test, directory: scratch))
  }
}

/// The labels of STL-10, and an image for each but the last.
struct STLTarget: Target {
  func seeds() throws -> [Data] { [Data([1, 10]), Data([11]), Data()] }

  func read(_ input: Data) {
    let labels = input.prefix(4)
    _ = scratchFile("test_y.bin", labels)
    for count in [labels.count * 96 * 96 * 3, input.count] {
      _ = scratchFile("test_X.bin", input.prefix(count) + Data(count: max(0, count - input.count)))
      use(try? STL10.load(.test, directory: scratch))
    }
  }
}

/// Looks at the first and the last image.
private func use(_ images: LabeledImages?) {
  guard let images, images.count > 0 else { return }
  let batch = images.images(at: [0, images.count - 1])
  batch.withUnsafeBufferPointer { pixels in
    precondition(pixels.allSatisfy { (0...1).contains($0) })
  }
}
