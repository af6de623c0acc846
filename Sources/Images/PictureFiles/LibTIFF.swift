import Files
import Foundation
import Synchronization
import Tensor

/// libtiff, opened at run time.
struct LibTIFF: Sendable {
  typealias Handle = OpaquePointer
  private typealias Client = UnsafeMutableRawPointer
  private typealias Transfer =
    @convention(c) (Client?, UnsafeMutableRawPointer?, Int) -> Int
  private typealias Report =
    @convention(c) (
      Client?, _ module: UnsafePointer<CChar>?, _ format: UnsafePointer<CChar>?,
      _ arguments: UnsafeMutableRawPointer?
    ) -> Void

  private let open:
    @convention(c) @Sendable (
      _ name: UnsafePointer<CChar>, _ mode: UnsafePointer<CChar>, Client, _ read: Transfer,
      _ write: Transfer, _ seek: @convention(c) (Client?, UInt64, Int32) -> UInt64,
      _ close: @convention(c) (Client?) -> Int32, _ size: @convention(c) (Client?) -> UInt64,
      _ map:
        @convention(c) (
          Client?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<UInt64>?
        ) -> Int32,
      _ unmap: @convention(c) (Client?, UnsafeMutableRawPointer?, UInt64) -> Void
    ) -> Handle?
  private let close: @convention(c) @Sendable (Handle) -> Void
  private let getField:
    @convention(c) @Sendable (Handle, _ tag: UInt32, UnsafeMutableRawPointer?) -> Int32
  private let setField:
    @convention(c) @Sendable (Handle, _ tag: UInt32, UnsafeMutableRawPointer?) -> Int32
  let isTiled: @convention(c) @Sendable (Handle) -> Int32
  let isLastPage: @convention(c) @Sendable (Handle) -> Int32
  let scanlineSize: @convention(c) @Sendable (Handle) -> Int
  let tileRowSize: @convention(c) @Sendable (Handle) -> Int
  let tileSize: @convention(c) @Sendable (Handle) -> Int
  /// Reads a strip, and gives the bytes that it has; -1 for an error.
  let readStrip:
    @convention(c) @Sendable (
      Handle, _ strip: UInt32, _ out: UnsafeMutableRawPointer, _ count: Int
    ) -> Int
  /// Reads the tile that has a pixel, and gives the bytes that it has; -1 for an error.
  let readTile:
    @convention(c) @Sendable (
      Handle, _ out: UnsafeMutableRawPointer, _ x: UInt32, _ y: UInt32, _ z: UInt32,
      _ plane: UInt16
    ) -> Int
  /// Reads red, green, blue and opacity of all pixels; 0 for an error.
  let readColors:
    @convention(c) @Sendable (
      Handle, _ width: UInt32, _ height: UInt32, _ out: UnsafeMutableRawPointer,
      _ orientation: Int32, _ stopsAtErrors: Int32
    ) -> Int32

  /// The library of this machine, or why there is none.
  static let shared = Result {
    do { return try LibTIFF(named: "libtiff.so.6") } catch let error {
      // Debian 11 and Ubuntu 22.04 have an older one with the same functions.
      guard let older = try? LibTIFF(named: "libtiff.so.5") else { throw error }
      return older
    }
  }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libtiff6")
    open = try library.function("TIFFClientOpen")
    close = try library.function("TIFFClose")
    getField = try library.function("TIFFVGetFieldDefaulted")
    setField = try library.function("TIFFVSetField")
    isTiled = try library.function("TIFFIsTiled")
    isLastPage = try library.function("TIFFLastDirectory")
    scanlineSize = try library.function("TIFFScanlineSize")
    tileRowSize = try library.function("TIFFTileRowSize")
    tileSize = try library.function("TIFFTileSize")
    readStrip = try library.function("TIFFReadEncodedStrip")
    readTile = try library.function("TIFFReadTile")
    readColors = try library.function("TIFFReadRGBAImageOriented")
    try Self.silence(library)
  }

  /// Keeps errors for those who opened the file, where libtiff would print them.
  private static func silence(_ library: DynamicLibrary) throws {
    typealias Setter = @convention(c) (UnsafeRawPointer?) -> UnsafeRawPointer?
    typealias ReportSetter = @convention(c) (Report) -> UnsafeRawPointer?
    let setters: [Setter] = try [
      library.function("TIFFSetErrorHandler"), library.function("TIFFSetWarningHandler"),
      library.function("TIFFSetWarningHandlerExt"),
    ]
    setters.forEach { _ = $0(nil) }
    let setReport: ReportSetter = try library.function("TIFFSetErrorHandlerExt")
    _ = setReport { client, _, format, arguments in
      guard let client, let format, let arguments else { return }
      var text = [CChar](repeating: 0, count: 200)
      vsnprintf(&text, text.count, format, CVaListPointer(arguments))
      let message = String(
        decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // The first one is the cause of the others.
      TIFFMemory.messages.withLock { $0[UInt(bitPattern: client)]?.noteFirst(message) }
    }
  }
}

extension String {
  /// Takes a message for what libtiff says of a file, if it has said nothing so far.
  fileprivate mutating func noteFirst(_ message: String) { if isEmpty { self = message } }
}

/// A file in memory, as libtiff reads it.
private final class TIFFMemory {
  let bytes: UnsafeRawBufferPointer
  var position: UInt64 = 0

  /// By the address of the file: handlers of errors are the whole process's, and another user of
  /// libtiff may have files of its own.
  static let messages = Mutex<[UInt: String]>([:])

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  static func at(_ client: UnsafeMutableRawPointer?) -> TIFFMemory? {
    client.map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
  }

  func read(_ count: Int, into out: UnsafeMutableRawPointer) -> Int {
    guard position < UInt64(bytes.count) else { return 0 }
    let start = Int(position)
    let length = max(0, min(count, bytes.count - start))
    UnsafeMutableRawBufferPointer(start: out, count: length)
      .copyBytes(from: bytes[start..<start + length])
    position += UInt64(length)
    return length
  }

  func seek(_ offset: UInt64, from origin: Int32) -> UInt64 {
    switch origin {
    case SEEK_CUR: position = position &+ offset
    case SEEK_END: position = UInt64(bytes.count) &+ offset
    default: position = offset
    }
    return position
  }
}

// MARK: - An open file

extension LibTIFF {
  /// Calls `body` with an open file and what tells why something failed.
  ///
  /// - Throws: ``FileError`` if libtiff cannot open it, or what `body` throws.
  func withOpen<Result>(
    _ file: PictureFile,
    _ body: (Handle, _ damage: @escaping (String) -> FileError) throws -> Result
  ) throws -> Result {
    try file.contents.withUnsafeBytes { contents in
      let memory = TIFFMemory(contents)
      let client = Unmanaged.passUnretained(memory).toOpaque()
      let key = UInt(bitPattern: client)
      TIFFMemory.messages.withLock { $0[key] = "" }
      defer { TIFFMemory.messages.withLock { $0[key] = nil } }
      func damage(_ needed: String) -> FileError {
        let message = TIFFMemory.messages.withLock { $0[key] ?? "" }
        return file.damage(needed + (message.isEmpty ? "" : "; libtiff says: \(message)"))
      }
      return try withExtendedLifetime(memory) {
        guard let handle = open(client) else { throw damage("needs a whole TIFF picture") }
        defer { close(handle) }
        return try body(handle, damage)
      }
    }
  }

  private func open(_ client: Client) -> Handle? {
    open(
      "picture", "r", client,
      { client, out, count in out.flatMap { TIFFMemory.at(client)?.read(count, into: $0) } ?? -1 },
      { _, _, _ in -1 },
      { client, offset, origin in TIFFMemory.at(client)?.seek(offset, from: origin) ?? .max },
      { _ in 0 },
      { client in TIFFMemory.at(client).map { UInt64($0.bytes.count) } ?? 0 },
      { client, base, count in
        guard let memory = TIFFMemory.at(client), let base, let count else { return 0 }
        base.pointee = UnsafeMutableRawPointer(mutating: memory.bytes.baseAddress)
        count.pointee = UInt64(memory.bytes.count)
        return 1
      },
      { _, _, _ in })
  }

  /// A number of 16 bits; nil if the file has none and there is no usual one.
  func short(_ tag: Tag, _ handle: Handle) -> Int? {
    var value: UInt16 = 0
    return withUnsafeMutablePointer(to: &value) { value in
      withCVaList([value]) { getField(handle, tag.rawValue, $0) }
    } == 1 ? Int(value) : nil
  }

  /// A number of 32 bits; nil if the file has none and there is no usual one.
  func long(_ tag: Tag, _ handle: Handle) -> Int? {
    var value: UInt32 = 0
    return withUnsafeMutablePointer(to: &value) { value in
      withCVaList([value]) { getField(handle, tag.rawValue, $0) }
    } == 1 ? Int(value) : nil
  }

  /// What the channels beyond those of the colors are.
  func extraSamples(_ handle: Handle) -> [UInt16] {
    var (count, start): (UInt16, UnsafeMutablePointer<UInt16>?) = (0, nil)
    let found = withUnsafeMutablePointer(to: &count) { count in
      withUnsafeMutablePointer(to: &start) { start in
        withCVaList([count, start]) { getField(handle, Tag.extraSamples.rawValue, $0) }
      }
    }
    guard found == 1, let start else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
  }

  func set(_ tag: Tag, to value: Int32, _ handle: Handle) {
    _ = withCVaList([value]) { setField(handle, tag.rawValue, $0) }
  }

  /// Of tiff.h.
  enum Tag: UInt32 {
    case width = 256
    case height = 257
    case bitsPerSample = 258
    case compression = 259
    case photometric = 262
    case orientation = 274
    case samplesPerPixel = 277
    case rowsPerStrip = 278
    case planarConfiguration = 284
    case tileWidth = 322
    case tileHeight = 323
    case extraSamples = 338
    case sampleFormat = 339
    /// A setting of the decoder, not of the file.
    case jpegColorMode = 65_538
  }
}
