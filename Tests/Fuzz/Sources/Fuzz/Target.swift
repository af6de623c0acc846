import Foundation

/// A reader that takes any bytes and either reads them or throws.
protocol Target: Sendable {
  /// Inputs to begin with.
  func seeds() throws -> [Data]

  /// Gives the reader an input; what the reader throws is what it should do.
  func read(_ input: Data)
}

/// All targets, by name.
let targets: [String: any Target] = [
  "pickle": PickleTarget(), "torch": TorchTarget(), "zip": ZipTarget(),
  "safetensors": SafetensorsTarget(), "checkpoint": CheckpointTarget(), "idx": IDXTarget(),
  "idx-gz": PackedIDXTarget(), "cifar": CIFARTarget(), "stl": STLTarget(),
  "png": PictureTarget(ending: "png"), "jpeg": PictureTarget(ending: "jpg"),
  "webp": PictureTarget(ending: "webp"), "tiff": PictureTarget(ending: "tif"),
  "numpy": PictureTarget(ending: "npy"), "arguments": ArgumentsTarget(),
]

/// Where targets put the files that readers read.
let scratch: String = {
  let folder =
    ProcessInfo.processInfo.environment["FUZZ_SCRATCH"] ?? NSTemporaryDirectory() + "fuzz-scratch"
  try? FileManager.default.createDirectory(
    atPath: folder, withIntermediateDirectories: true)
  return folder
}()

/// Writes a file of the scratch folder and says where.
func scratchFile(_ name: String, _ contents: Data) -> String {
  let path = scratch + "/" + name
  guard FileManager.default.createFile(atPath: path, contents: contents) else {
    fatalError("\(path) cannot be written")
  }
  return path
}

/// A file of the package's tests.
func fixture(_ path: String) throws -> Data {
  let tests = ProcessInfo.processInfo.environment["FUZZ_TESTS"] ?? "Tests"
  return try Data(contentsOf: URL(fileURLWithPath: tests + "/" + path))
}
