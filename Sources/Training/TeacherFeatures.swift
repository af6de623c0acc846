import Datasets
import Files
import Foundation
import Nets
import SelfSupervised
import Tensor

/// What a teacher makes of the images of a data set, computed once and kept in a file.
///
/// ```swift
/// let taught = try TeacherFeatures(of: photos, by: teacher, keptIn: "runs/teacher.safetensors")
/// let student = Distillation(
///   net, teacher: .kept(taught.features), imageSize: 64, hiddenLayer: "avgpool")
/// ```
///
/// The file counts as long as teacher and data are the same; after that it is written anew.
public struct TeacherFeatures: Sendable {
  /// Shape [count, width], in the order of the images.
  public let features: Tensor
  /// Whether a file had them, so that the teacher did not run.
  public let isFromFile: Bool

  private static let (entryName, printNote) = ("features", "teacher_and_data")

  /// The features of all images: those of a file, if they are of this teacher and these images, or
  /// what the teacher makes of the images as they are.
  ///
  /// - Parameters:
  ///   - images: Pictures with values 0...1.
  ///   - teacher: What looks at them.
  ///   - path: A safetensors file to read, or to write if it is not there or of others; nil for none.
  ///   - fingerprint: What tells these images from others besides their number, their files' names
  ///     and up to sixty-four of them; or a teacher from another one that has the same layers and
  ///     weights, such as one of another stride.
  /// - Throws: ``NonFiniteFeaturesError`` if a feature is NaN or infinite, `FileError` if the file is
  ///   another one, which stays as it is, or cannot be written.
  public init(
    of images: any ImageDataset, by teacher: TeacherNetwork,
    keptIn path: String? = nil, fingerprint: String = ""
  ) throws {
    let print = Self.fingerprint(images, teacher, fingerprint)
    if let path, let kept = try Self.kept(in: path, of: print, [images.count, teacher.width]) {
      (features, isFromFile) = (kept, true)
      return
    }
    features = images.features(batchSize: Self.batchSize(teacher)) { teacher($0) }
    isFromFile = false
    guard features.isFinite else { throw NonFiniteFeaturesError(features) }
    guard let path else { return }
    try makeDirectory(at: path.directoryOfPath)
    try StateDict([.init(Self.entryName, features)], metadata: [Self.printNote: print])
      .write(to: path)
  }

  /// As many images as keep the memory of activations flat.
  private static func batchSize(_ teacher: TeacherNetwork) -> Int {
    max(1, min(256, (1 << 20) / max(1, teacher.imageSize.height * teacher.imageSize.width)))
  }

  /// The features of a file; nil if it is not there, or of another teacher or other images.
  private static func kept(
    in path: String, of print: String, _ shape: TensorShape
  ) throws -> Tensor? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let state = try StateDict(contentsOf: path)
    guard let found = state.metadata[printNote] else {
      throw FileError(
        path, "it is no file of a teacher's features, and stays as it is: name another one")
    }
    guard found == print, let features = state[entryName], features.shape == shape else {
      return nil
    }
    return features
  }

  /// Text that differs when the teacher, how it sees pictures, or the images do.
  private static func fingerprint(
    _ images: any ImageDataset, _ teacher: TeacherNetwork, _ extra: String
  ) -> String {
    var print = Fingerprint()
    print.add("\(teacher.description), \(extra), \(images.imageShape)")
    for (name, module) in teacher.net.namedModules { print.add("\(name): \(type(of: module))") }
    for entry in teacher.net.state.entries {
      print.add(entry.name)
      entry.value.withUnsafeBufferPointer { print.add(UnsafeRawBufferPointer($0)) }
    }
    for index in 0..<images.count { print.add(images.file(of: index) ?? "\(index)") }
    let places = stride(from: 0, to: images.count, by: max(1, (images.count + 63) / 64))
    images.images(at: Array(places)).withUnsafeBufferPointer {
      print.add(UnsafeRawBufferPointer($0))
    }
    return "\(print)"
  }
}
