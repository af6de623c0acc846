import Files
import Images

/// A walk through a directory and those below it, which notes every picture and all else it saw.
struct PictureSearch {
  /// Relative to the directory where the search begins, in the order of their parts' bytes.
  private(set) var pictures: [[UInt8]] = []
  /// How many files of each ending are none that can be read.
  private(set) var otherFiles: [String: Int] = [:]
  /// What might be a picture, or hold some, and cannot be looked at.
  private(set) var problems: [FileError] = []

  private let start: RawPath
  private var visited: Set<Directory.Identity> = []
  /// Links that wait until all real directories have been walked: pictures count where they are
  /// rather than where a link shows them.
  private var links: [(entry: Directory.Entry, place: [UInt8])] = []

  /// Looks through the directory at `start`.
  ///
  /// - Throws: ``FileError`` if it cannot be listed.
  init(_ start: RawPath) throws {
    self.start = start
    look(through: try Directory(start), at: [])
    var next = 0
    while next < links.count {
      take(links[next].entry, at: links[next].place)
      next += 1
    }
    pictures.sort { Self.precedes($0, $1) }
  }

  private mutating func look(through directory: Directory, at place: [UInt8]) {
    // A link may lead to where the search has been, and in circles.
    guard visited.insert(directory.identity).inserted else { return }
    for entry in directory.entries {
      if entry.isLink { links.append((entry, place)) } else { take(entry, at: place) }
    }
  }

  private mutating func take(_ entry: Directory.Entry, at place: [UInt8]) {
    let path = place + (place.isEmpty ? [] : [RawPath.separator]) + entry.name
    let ending = Self.ending(of: entry.name)
    let isNamedLikeAPicture = ImageFormat.fileExtensions.contains(ending)
    switch entry.kind {
    case .directory:
      do {
        look(through: try Directory(start.appending(path)), at: path)
      } catch {
        problems.append(FileError(error, at: "\(start.appending(path))"))
      }
    case .file where isNamedLikeAPicture: pictures.append(path)
    case .file: otherFiles[ending, default: 0] += 1
    case nil where isNamedLikeAPicture:
      problems.append(
        FileError("\(start.appending(path))", "is a link to a file that is not there"))
    case nil: otherFiles[ending, default: 0] += 1
    case .some(let kind):
      guard isNamedLikeAPicture else { return otherFiles[ending, default: 0] += 1 }
      problems.append(FileError("\(start.appending(path))", "is a \(kind), not a file"))
    }
  }

  /// The letters behind the last dot of a name, in lower case; none if the name begins with it.
  private static func ending(of name: [UInt8]) -> String {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return "" }
    return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
  }

  /// Part by part, so that what is in a directory stays together.
  private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.lexicographicallyPrecedes(b) {
      ($0 == RawPath.separator ? 0 : $0) < ($1 == RawPath.separator ? 0 : $1)
    }
  }
}
