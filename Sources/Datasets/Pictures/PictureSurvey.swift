import Files
import Images
import Synchronization
import Tensor

/// What the heads of a folder's files say of its pictures: how many channels and bits they have.
///
/// ```swift
/// let contents = try ImageFolder.contents(of: "tiles")
/// let survey = try PictureSurvey(of: contents, index: "runs")
/// let tiles = try ImageFolder.load(
///   contents, imageSize: 96, channels: try survey.channels,
///   options: PictureOptions(depth: survey.deepCount > 0 ? .sixteen : .eight))
/// ```
///
/// JPEG, PNG and WebP files count as three channels, as which they are read. A file whose head
/// cannot be read counts as nothing here: that is told when it is decoded.
public struct PictureSurvey: Sendable {
  /// The number of TIFF and NumPy files with more than 8 bits a value.
  public let deepCount: Int
  /// The number of PNG files with 16 bits a value.
  public let deepPNGCount: Int
  /// The number of TIFF files with several pages, of which the first is read.
  public let severalPagesCount: Int
  /// The smallest and the largest height and width; nil if no size is known.
  public let sizes: (smallest: Size2D, largest: Size2D)?
  /// The number of pictures of which more than a third lies outside the middle square.
  public let elongatedCount: Int
  /// Why the index could not be written; nil if it was, or need not be.
  public let indexError: FileError?
  /// How many files were opened, rather than known from the index.
  let openedCount: Int
  private let groups: [ChannelGroup]

  /// Pictures with one number of channels.
  private struct ChannelGroup: Sendable {
    let channels: Int
    var count: Int
    /// The path of the first one.
    let first: String
  }

  /// Reads the heads of a folder's pictures, on all threads.
  ///
  /// - Parameters:
  ///   - contents: The pictures.
  ///   - index: A directory to keep what they say in: the next time, only those are opened whose size
  ///     or time of change is another, or that are new. Nil keeps nothing.
  /// - Throws: ``FileError`` if a library that reads heads is missing.
  public init(of contents: FolderContents, index: String? = nil) throws {
    let index = index.map { PictureIndex(in: $0, of: contents) }
    let known = index?.read() ?? [:]
    let entries = try Self.entries(contents, known)
    openedCount = entries.count { $0.isNew }
    let found = contents.pictures.indices.compactMap { place in
      entries[place].entry.map { (path: contents.pictures[place], entry: $0) }
    }
    var failure: FileError?
    if let index, openedCount > 0 || known.count != found.count {
      do { try index.write(found) } catch { failure = FileError(error, at: index.path) }
    }
    indexError = failure
    let heads = entries.map { $0.entry?.head }
    deepCount = heads.count { $0.map { $0.isData && $0.bits > 8 } ?? false }
    deepPNGCount = heads.count { $0.map { !$0.isData && $0.bits > 8 } ?? false }
    severalPagesCount = heads.count { $0?.hasMorePages ?? false }
    sizes = Self.sizes(heads)
    elongatedCount = heads.count { head in
      (head?.size).map { 3 * min($0.height, $0.width) < 2 * max($0.height, $0.width) } ?? false
    }
    groups = Self.groups(heads, contents)
  }

  private static func entries(
    _ contents: FolderContents, _ known: [[UInt8]: PictureIndex.Entry]
  ) throws -> [(entry: PictureIndex.Entry?, isNew: Bool)] {
    let missing = Mutex<FileError?>(nil)
    let count = contents.count
    let statuses = contents.statuses
    let entries = [(entry: PictureIndex.Entry?, isNew: Bool)](
      unsafeUninitializedCapacity: count
    ) { out, written in
      // Unsafe: each block writes the entries of its own range.
      nonisolated(unsafe) let out = out
      Parallel.forRanges(count, grain: 64) { range in
        for place in range {
          let path = contents.path(place)
          let status = statuses[place]
          let former = status == nil ? nil : known[contents.pictures[place]]
          if let former, former.status == status {
            out.initializeElement(at: place, to: (former, false))
            continue
          }
          do {
            let head = try PictureHead(of: path)
            let entry = status.map { PictureIndex.Entry(status: $0, head: head) }
            out.initializeElement(at: place, to: (entry, true))
          } catch {
            out.initializeElement(at: place, to: (nil, true))
            let error = FileError(error, at: "\(path)")
            if error.kind == .missingLibrary { missing.withLock { $0 = $0 ?? error } }
          }
        }
      }
      written = count
    }
    if let error = missing.withLock({ $0 }) { throw error }
    return entries
  }

  private static func sizes(
    _ heads: [PictureHead?]
  ) -> (smallest: Size2D, largest: Size2D)? {
    let sizes = heads.compactMap { $0?.size }
    guard let first = sizes.first else { return nil }
    return sizes.reduce((first, first)) { range, size in
      (
        Size2D(
          height: min(range.0.height, size.height), width: min(range.0.width, size.width)),
        Size2D(
          height: max(range.1.height, size.height), width: max(range.1.width, size.width))
      )
    }
  }

  /// The most common number of channels first.
  private static func groups(
    _ heads: [PictureHead?], _ contents: FolderContents
  ) -> [ChannelGroup] {
    var groups: [Int: ChannelGroup] = [:]
    for (place, head) in heads.enumerated() {
      guard let channels = head?.channels else { continue }
      if groups[channels] != nil {
        groups[channels]?.count += 1
      } else {
        groups[channels] = ChannelGroup(
          channels: channels, count: 1, first: "\(contents.path(place))")
      }
    }
    return groups.values.sorted { ($1.count, $0.channels) < ($0.count, $1.channels) }
  }

  /// The channels that all pictures have or can be brought to: 3 if some are gray and some are of
  /// colors.
  ///
  /// - Throws: ``FileError`` if they differ otherwise, which names one of the fewer ones.
  public var channels: Int { get throws { try Self.channels(of: [self]) } }

  /// The channels that the pictures of several folders have.
  ///
  /// - Throws: ``FileError`` if they differ otherwise than by gray and colors.
  public static func channels(of surveys: [PictureSurvey]) throws -> Int {
    let groups = surveys.flatMap(\.groups)
    guard let most = groups.max(by: { $0.count < $1.count }) else { return 3 }
    guard let other = groups.first(where: { $0.channels != most.channels }) else {
      return most.channels
    }
    if groups.allSatisfy({ [1, 3].contains($0.channels) }) { return 3 }
    let all = groups.reduce(0) { $0 + $1.count }
    let same = groups.reduce(0) { $0 + ($1.channels == most.channels ? $1.count : 0) }
    throw FileError(
      other.first,
      "needs pictures with one number of channels; it has \(other.channels), and \(same) of \(all) "
        + "have \(most.channels)", .damaged)
  }
}
