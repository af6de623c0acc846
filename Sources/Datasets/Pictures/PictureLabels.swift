import Files
import Foundation

/// The classes of some pictures of a folder, from a file of comma-separated values.
///
/// ```
/// path,label
/// 2019/lake.jpg,water
/// "2019/oak, old.jpg",tree
/// ```
///
/// ```swift
/// let contents = try ImageFolder.contents(of: "photos", withClasses: false)
/// let labels = try PictureLabels(contentsOf: "labels.csv", for: contents)
/// let photos = try ImageFolder.load(contents, imageSize: 96)   // to train on: all of them
/// let labeled = labels.labeled(photos)                         // to evaluate with
/// ```
///
/// The file is one of RFC 4180 in UTF-8. Its columns are path and label, unless a first row names
/// them: path, file, filename, file_name, image or picture, and label, class or category. A path is relative to the folder or to the file, or absolute. Classes are numbered in the
/// order of their names' bytes.
public struct PictureLabels: Sendable {
  /// What the classes are called.
  public let classNames: [String]
  /// The class of each picture of the folder, in their order; nil for those without a label.
  public let labels: [Int?]
  /// The paths of the file that are no pictures of the folder, in their order.
  public let unknownPaths: [String]
  /// The class of each picture that has one.
  private let labelsOfPaths: [String: Int]

  /// The number of pictures that have a label.
  public var count: Int { labelsOfPaths.count }

  /// Reads the file at `path`.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - contents: The pictures of the folder.
  /// - Throws: ``FileError`` if the file cannot be read or has no rows, no path is a picture of the
  ///   folder, a label is empty, or a picture has two labels.
  public init(contentsOf path: String, for contents: FolderContents) throws {
    let table = try CSVTable([UInt8](RawPath(showing: path).contents()), path: path)
    let rows = try Self.rows(table, path)
    let places = PicturePlaces(contents, besides: path.directoryOfPath)
    var found: [Int: Row] = [:]
    var unknown: [String] = []
    for row in rows {
      guard let place = places.index(of: row.path) else {
        unknown.append(row.path)
        continue
      }
      guard let earlier = found.updateValue(row, forKey: place), earlier.label != row.label else {
        continue
      }
      throw FileError(
        path,
        "line \(row.line): needs one label for each picture; \(row.path) is \(row.label) here and "
          + "\(earlier.label) in line \(earlier.line)", .damaged)
    }
    let paths = contents.paths
    guard !found.isEmpty else {
      throw FileError(
        path,
        "needs paths of pictures in \(contents.directory); none of \(rows.count) is one. The first "
          + "is \(rows[0].path), and the first picture is \(paths[0])", .damaged)
    }
    let names = Set(found.values.map(\.label))
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    let labels = paths.indices.map { found[$0].flatMap { numbers[$0.label] } }
    (classNames, unknownPaths, self.labels) = (names, unknown, labels)
    labelsOfPaths = Dictionary(
      zip(paths, labels).compactMap { path, label in label.map { (path, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  private struct Row {
    let path: String
    let label: String
    let line: Int
  }

  /// The rows below a head, if there is one.
  private static func rows(_ table: CSVTable, _ path: String) throws -> [Row] {
    let first = (table.rows.first?.fields ?? []).map { trimmed($0).lowercased() }
    let named = (
      path: first.firstIndex(where: pathNames.contains),
      label: first.firstIndex(where: labelNames.contains)
    )
    let hasHead = named.path != nil && named.label != nil
    let (pathColumn, labelColumn) = hasHead ? (named.path ?? 0, named.label ?? 1) : (0, 1)
    let columns = hasHead ? first.count : 2
    let rows = table.rows.dropFirst(hasHead ? 1 : 0)
    guard !rows.isEmpty else {
      throw FileError(path, "needs rows of a path and a label; there is none", .damaged)
    }
    return try rows.map { row in
      guard row.fields.count == columns else {
        throw FileError(
          path,
          "line \(row.line): needs \(columns) fields"
            + (hasHead ? ", as the first row has" : ", a path and a label")
            + "; got \(row.fields.count)" + otherSeparator(row.fields), .damaged)
      }
      let (name, label) = (row.fields[pathColumn], trimmed(row.fields[labelColumn]))
      for (what, text) in [("path", name), ("label", label)] where text.isEmpty {
        let of = what == "label" ? " for \(name)" : ""
        throw FileError(path, "line \(row.line): needs a \(what)\(of); it is empty", .damaged)
      }
      return Row(path: name, label: label, line: row.line)
    }
  }

  private static let pathNames: Set = [
    "path", "file", "filename", "file_name", "image", "picture",
  ]
  private static let labelNames: Set = ["label", "class", "category"]

  /// What spreadsheets in some languages write in place of commas.
  private static func otherSeparator(_ fields: [String]) -> String {
    guard fields.count == 1 else { return "" }
    let found = [(";", "semicolons"), ("\t", "tabs")].first { fields[0].contains($0.0) }
    return found.map { ", divided by \($0.1) rather than commas" } ?? ""
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespaces)
  }
}

// MARK: - Images

extension PictureLabels {
  /// The images of the folder that have a label, in their order.
  public func labeled(_ images: LabeledImages) -> Subset { labeled(images, images.paths) }

  /// The images of the folder that have a label, in their order.
  public func labeled(_ images: LazyImageFolder) -> Subset { labeled(images, images.paths) }

  private func labeled(_ images: any ImageDataset, _ paths: [String]) -> Subset {
    let found = paths.indices.compactMap { index in
      labelsOfPaths[paths[index]].map { (index: index, label: $0) }
    }
    return Subset(
      images, indices: found.map(\.index), labels: found.map(\.label), classNames: classNames)
  }
}

/// Finds pictures of a folder by what a file may call them.
private struct PicturePlaces {
  private let indices: [String: Int]
  private let root: String
  private let realRoot: String
  private let directories: [String]

  /// The pictures of a folder, which may be named from it or from another directory.
  init(_ contents: FolderContents, besides directory: String) {
    indices = Dictionary(
      contents.pictures.enumerated().map { (String(decoding: $1, as: UTF8.self), $0) },
      uniquingKeysWith: { first, _ in first })
    root = Self.standardized(contents.directory)
    realRoot = Self.resolved(root) ?? root
    directories = [root, Self.standardized(directory)]
  }

  func index(of path: String) -> Int? {
    if let index = indices[path] { return index }
    let candidates = path.hasPrefix("/") ? [path] : directories.map { "\($0)/\(path)" }
    for candidate in candidates {
      if let index = indexBelowRoot(Self.standardized(candidate)) { return index }
    }
    // Links on the way, or to a picture.
    for candidate in candidates {
      if let index = Self.resolved(candidate).flatMap(indexBelowRoot) { return index }
    }
    return nil
  }

  private func indexBelowRoot(_ path: String) -> Int? {
    for root in [root, realRoot] {
      let start = root.hasSuffix("/") ? root : root + "/"
      if path.hasPrefix(start), let index = indices[String(path.dropFirst(start.count))] {
        return index
      }
    }
    return nil
  }

  /// A whole path without "." and "..".
  private static func standardized(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// The path without links; nil if nothing is there.
  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
