import Files
import Foundation
import Images

/// The files of pictures in a directory and below it, in the order of their paths.
struct PictureFiles {
  let paths: [String]
  /// The class of each file: the subdirectory it is in; empty if a file is in none.
  let labels: [Int]
  /// The subdirectories with pictures in them.
  let classNames: [String]

  /// Looks through a directory, and through those that links point to.
  ///
  /// - Throws: ``FileError`` if there is no such directory, one cannot be listed, or none has
  ///   pictures.
  init(in directory: String) throws {
    try checkDirectory(directory)
    var search = Search()
    try search.look(through: directory)
    guard !search.pictures.isEmpty else {
      throw FileError(
        directory,
        "needs pictures in it, files that end with .jpg, .jpeg, .png or .webp; there is none among "
          + "\(search.others) files")
    }
    paths = search.pictures
    let classes = paths.map { path in
      path.dropFirst(directory.count).split(separator: "/").dropLast().first.map(String.init)
    }
    classNames = classes.contains(nil) ? [] : Set(classes.compactMap { $0 }).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: zip(classNames, classNames.indices))
    labels = classNames.isEmpty ? [] : classes.compactMap { $0.flatMap { numbers[$0] } }
  }

  private struct Search {
    var pictures: [String] = []
    var others = 0
    /// The directories that this one is in, so that links in a circle end.
    private var above: Set<String> = []

    mutating func look(through directory: String) throws {
      let real = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
      guard above.insert(real).inserted else { return }
      defer { above.remove(real) }
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: directory)
      } catch {
        throw FileError(directory, "cannot be listed: \(error.localizedDescription)")
      }
      for name in names.sorted() where !name.hasPrefix(".") {
        let path = "\(directory)/\(name)"
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        if isDirectory.boolValue {
          try look(through: path)
        } else if ImageFormat.fileExtensions.contains(
          (name as NSString).pathExtension.lowercased())
        {
          pictures.append(path)
        } else {
          others += 1
        }
      }
    }
  }
}
