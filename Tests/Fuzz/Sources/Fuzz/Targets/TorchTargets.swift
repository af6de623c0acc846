import Foundation
import Nets

/// A file of torch's older format: the input is the pickle of the contents, that of the keys, and
/// the numbers.
struct PickleTarget: Target {
  /// The magic number, a version and what the machine was like.
  private static let head = Data([
    0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
    0x80, 2, 0x4d, 0xe9, 0x03, 0x2e, 0x80, 2, 0x7d, 0x2e,
  ])

  func seeds() throws -> [Data] {
    // No keys: the numbers are missing.
    [Pickles.tensor + [0x80, 2, 0x5d, 0x2e]]
      + (try TorchFixtures().legacy.map { $0.dropFirst(Self.head.count) })
  }

  func read(_ input: Data) { readState(Self.head + input) }
}

/// A torch file of the newer format: the input is the pickle; there are 16 numbers.
struct TorchTarget: Target {
  func seeds() throws -> [Data] { [Pickles.tensor, Pickles.module] }

  func read(_ input: Data) {
    readState(
      storedZip([
        ("a/data.pkl", input), ("a/data/0", Data(count: 64)), ("a/data/1", Data(count: 7)),
      ]))
  }
}

/// Any zip archive.
struct ZipTarget: Target {
  func seeds() throws -> [Data] {
    let archive = storedZip([("a/data.pkl", Pickles.tensor), ("a/data/0", Data(count: 64))])
    return [archive.dropFirst(4)] + (try TorchFixtures().zips.map { $0.dropFirst(4) })
  }

  func read(_ input: Data) { readState([0x50, 0x4b, 3, 4] + input) }
}

/// Reads a file of weights and checks that what is read is whole.
func readState(_ file: Data) {
  guard let state = try? StateDict(contentsOf: scratchFile("state", file)) else { return }
  for entry in state.entries {
    let count = entry.value.withUnsafeBufferPointer { $0.count }
    precondition(count == entry.value.shape.elementCount)
  }
  let net = Sequential { Linear(2, 2) }
  if (try? net.load(state)) == nil, let result = try? net.load(state, partially: true) {
    precondition(!result.loaded.isEmpty)
  }
}

/// Files that torch wrote, as the tests of its reader have them.
private struct TorchFixtures {
  let zips: [Data]
  let legacy: [Data]

  private struct Files: Decodable {
    let zip: Data
    let legacy: Data
    let oldest: Data
  }

  init() throws {
    let files = try JSONDecoder().decode(
      Files.self, from: fixture("NetsTests/Fixtures/torch_files.json"))
    (zips, legacy) = ([files.zip], [files.legacy, files.oldest])
  }
}

private enum Pickles {
  /// A dictionary with a tensor of 2 by 2 numbers.
  static let tensor: Data = dictionary("a", tensorValue) + [0x2e]

  /// A dictionary with a module of one parameter.
  static let module: Data =
    dictionary(
      "m",
      Data("cm\nNet\n)".utf8) + [0x81]
        + dictionary("_parameters", dictionary("w", tensorValue), then: "_modules", Data("}".utf8))
        + Data("b".utf8)) + [0x2e]

  private static let tensorValue: Data =
    Data("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
    + Data("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu")
    + Data([0x4b, 16]) + Data("tQ".utf8)
    + Data([0x4b, 0, 0x4b, 2, 0x4b, 2, 0x86, 0x4b, 2, 0x4b, 1, 0x86, 0x89])
    + Data("ccollections\nOrderedDict\n)RtR".utf8)

  private static func text(_ text: String) -> Data {
    Data([0x58, UInt8(text.utf8.count), 0, 0, 0]) + Data(text.utf8)
  }

  private static func dictionary(
    _ key: String, _ value: Data, then other: String? = nil, _ otherValue: Data = Data()
  ) -> Data {
    Data("}(".utf8) + text(key) + value + (other.map { text($0) + otherValue } ?? Data())
      + Data("u".utf8)
  }
}

/// A zip archive of files that are stored as they are.
func storedZip(_ files: [(name: String, contents: Data)]) -> Data {
  func bytes(_ number: Int, _ count: Int) -> Data {
    Data((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }
  var (archive, directory) = (Data(), Data())
  for (name, contents) in files {
    let sizes =
      bytes(0, 4) + bytes(contents.count, 4) + bytes(contents.count, 4)
      + bytes(name.utf8.count, 2)
    directory +=
      bytes(0x0201_4b50, 4) + bytes(0, 12) + sizes + bytes(0, 12) + bytes(archive.count, 4)
      + Data(name.utf8)
    archive +=
      bytes(0x0403_4b50, 4) + bytes(0, 10) + sizes + bytes(0, 2) + Data(name.utf8)
      + contents
  }
  return archive + directory + bytes(0x0605_4b50, 4) + bytes(0, 4) + bytes(files.count, 2)
    + bytes(files.count, 2) + bytes(directory.count, 4) + bytes(archive.count, 4) + bytes(0, 2)
}
