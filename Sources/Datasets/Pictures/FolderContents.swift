import Files
import Foundation
import Images

/// The pictures in a directory and below it, what their classes are, and what was left out.
///
/// ```swift
/// let contents = try ImageFolder.contents(of: "photos")
/// print(contents)   // 1,200 pictures of 2 classes, cats and dogs; left out 3 files: 2 .heic, 1 .txt
/// ```
///
/// The subdirectories are the classes, in the order of their names' bytes, if there are at least
/// two of them and at most a tenth of the pictures are in none; those few are left out.
/// Else the pictures have no labels.
public struct FolderContents: Sendable {
  /// The directory.
  public let directory: String
  /// The class of each picture; empty if there are no classes.
  public let labels: [Int]
  /// The subdirectories that are classes.
  public let classNames: [String]
  /// How many files of each ending were left out because they are no pictures that can be read.
  public let otherFiles: [String: Int]
  /// What might be pictures, or directories of some, and could not be looked at; with pictures that
  /// stand beside the classes.
  public let problems: [FileError]

  let root: RawPath
  /// Relative to the root, in their order.
  let pictures: [[UInt8]]
  /// How many pictures each subdirectory has; the empty name stands for the root itself.
  private let counts: [[UInt8]: Int]
  private let withClasses: Bool
  private let statusCache = PictureStatuses()

  /// The number of pictures.
  public var count: Int { pictures.count }

  /// The file of the picture at `index`.
  func path(_ index: Int) -> RawPath { root.appending(pictures[index]) }

  /// The size and the time of change of each picture, as they were when they were first asked for.
  var statuses: [PictureStatus?] { statusCache(count, path: path) }

  /// The path of each picture. Bytes that are not UTF-8 show as U+FFFD.
  public var paths: [String] { pictures.map { "\(root.appending($0))" } }

  /// Looks through a directory, and through those that links point to; each once.
  ///
  /// - Throws: ``FileError`` if there is no such directory, it cannot be listed or has no pictures.
  init(of directory: String, withClasses: Bool = true) throws {
    let root = RawPath(showing: directory)
    if root == RawPath(directory) { try checkDirectory(directory) }
    let search = try PictureSearch(root)
    self.init(
      root, search.pictures, otherFiles: search.otherFiles, problems: search.problems,
      withClasses: withClasses)
    guard count > 0 else {
      throw FileError(
        directory,
        "needs pictures in it, files that end with .jpg, .jpeg, .png, .webp, .tif or .npy; "
          + "there is none"
          + (skipped.map { " among \($0)" } ?? ""))
    }
  }

  /// Some pictures of a root; a class of `known` counts as such although it may be the only one.
  private init(
    _ root: RawPath, _ found: [[UInt8]], otherFiles: [String: Int], problems: [FileError],
    known: [String] = [], withClasses: Bool = true
  ) {
    counts = Dictionary(grouping: found, by: Self.firstPart).mapValues(\.count)
    let names = counts.keys.filter { !$0.isEmpty }.sorted { $0.lexicographicallyPrecedes($1) }
    let shown = names.map { String(decoding: $0, as: UTF8.self) }
    let hasClasses =
      withClasses && (names.count > 1 || shown.contains(where: known.contains))
      && 10 * (counts[[]] ?? 0) <= found.count
    let strays = hasClasses ? found.filter { Self.firstPart(of: $0).isEmpty } : []
    let numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    pictures = strays.isEmpty ? found : found.filter { !Self.firstPart(of: $0).isEmpty }
    labels = hasClasses ? pictures.compactMap { numbers[Self.firstPart(of: $0)] } : []
    classNames = hasClasses ? shown : []
    let reason = "is in none of the directories that are the classes"
    self.problems =
      problems + strays.map { FileError("\(root.appending($0))", reason, .damaged) }
    (self.root, self.otherFiles, self.withClasses) = (root, otherFiles, withClasses)
    directory = "\(root)"
  }

  /// The subdirectory that a picture is in; empty if it is in none.
  private static func firstPart(of path: [UInt8]) -> [UInt8] {
    path.firstIndex(of: RawPath.separator).map { Array(path[..<$0]) } ?? []
  }
}

// MARK: - Training, validation and test pictures

extension FolderContents {
  /// The parts of a set whose subdirectories are called train and val, or like them.
  public struct Splits: Sendable {
    /// What to train on.
    public let training: FolderContents
    /// What to evaluate by: the pictures of val, or of test where there is none.
    public let evaluation: FolderContents?
    /// How many pictures are in neither.
    public let unusedCount: Int
  }

  /// The parts of the set, if its subdirectories are parts rather than classes: if one is called
  /// train or training, and another one val, valid, validation, test or testing, or none has
  /// pictures; in upper or lower case, whatever stands beside them.
  public var splits: Splits? {
    let named = Dictionary(
      counts.keys.map { (String(decoding: $0, as: UTF8.self).lowercased(), $0) },
      uniquingKeysWith: { first, _ in first })
    guard let training = Self.trainingNames.compactMap({ named[$0] }).first else { return nil }
    let evaluation = Self.evaluationNames.compactMap { named[$0] }.first
    let isAlone = counts.keys.allSatisfy { $0.isEmpty || $0 == training }
    guard evaluation != nil || isAlone else { return nil }
    let used = (counts[training] ?? 0) + (evaluation.flatMap { counts[$0] } ?? 0)
    let pictures = part(training)
    return Splits(
      training: pictures, evaluation: evaluation.map { part($0, known: pictures.classNames) },
      unusedCount: count - used)
  }

  private static let trainingNames = ["train", "training"]
  private static let evaluationNames = ["val", "valid", "validation", "test", "testing"]

  /// The pictures of one subdirectory; what was left out is said by the whole set.
  private func part(_ name: [UInt8], known: [String] = []) -> FolderContents {
    let start = name + [RawPath.separator]
    return FolderContents(
      root.appending(name),
      pictures.filter { $0.starts(with: start) }.map { Array($0.dropFirst(start.count)) },
      otherFiles: [:], problems: [], known: known)
  }
}

// MARK: - In words

extension FolderContents: CustomStringConvertible {
  /// How many pictures of what classes there are, and what was left out.
  public var description: String {
    counted(count, "picture") + ", \(classes)" + (skipped.map { "; left out \($0)" } ?? "")
  }

  /// The classes, or why there are none.
  public var classes: String {
    guard classNames.isEmpty else {
      let shown = classNames.prefix(4).joined(separator: ", ")
      return "\(classNames.count) classes: \(shown)"
        + (classNames.count > 4 ? ", … \(classNames[classNames.count - 1])" : "")
    }
    let outside = counts[[]] ?? 0
    if outside == count || !withClasses { return "no classes" }
    return outside == 0
      ? "no classes, for all are in one directory"
      : "no classes, for \(outside) are in no subdirectory"
  }

  /// What was left out, by reasons and endings; nil if nothing was.
  public var skipped: String? {
    let files = otherFiles.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.value) " + ($0.key.isEmpty ? "without an ending" : "." + $0.key) }
    let reasons = Dictionary(grouping: problems, by: \.reason).map { ($0.value.count, $0.key) }
      .sorted { ($1.0, $0.1) < ($0.0, $1.1) }
    let parts =
      (files.isEmpty
        ? []
        : [counted(otherFiles.values.reduce(0, +), "file") + " (\(files.joined(separator: ", ")))"])
      + reasons.map { $0 == 1 ? "1 that \($1)" : "\($0), each of which \($1)" }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
