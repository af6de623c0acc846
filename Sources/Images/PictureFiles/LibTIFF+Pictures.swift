import Files
import Foundation
import Tensor

/// What a TIFF file says of its first picture.
struct TIFFHead {
  let size: Size2D
  /// What its samples are, if they are read as they are; nil for palettes, single bits and colors
  /// of other kinds, which become red, green and blue.
  let layout: Picture.Layout?
  let orientation: Orientation
  /// Whether 0 is white.
  let isInverted: Bool
  /// Whether each channel is stored on its own.
  let isPlanar: Bool
  /// Whether it is compressed as JPEG files are.
  let isJPEG: Bool
  /// Whether no picture comes after it.
  let isLastPage: Bool

  /// What a pixel becomes.
  var decoded: Picture.Layout { layout ?? .colors }
}

extension LibTIFF {
  /// What a file says of its first picture.
  ///
  /// - Throws: ``FileError``.
  func head(_ file: PictureFile) throws -> TIFFHead {
    try withOpen(file) { try head(file, $0, $1) }
  }

  private func head(
    _ file: PictureFile, _ handle: Handle, _ damage: (String) -> FileError
  ) throws -> TIFFHead {
    guard let width = long(.width, handle), let height = long(.height, handle),
      let bits = short(.bitsPerSample, handle), let samples = short(.samplesPerPixel, handle),
      let photometric = short(.photometric, handle)
    else { throw damage("needs a TIFF picture with a size, bits and channels") }
    let format = short(.sampleFormat, handle) ?? SampleFormat.unsigned
    let isJPEG = short(.compression, handle) == Self.jpeg
    let isRead =
      [Photometric.whiteIsZero, Photometric.blackIsZero, Photometric.colors].contains(photometric)
      || (photometric == Photometric.brightnessAndColors && isJPEG)
    let isColored = photometric != Photometric.whiteIsZero && photometric != Photometric.blackIsZero
    let sample = Self.sample(format: format, bits: bits)
    guard !isRead || bits < 8 || sample != nil else {
      let kind = [2: "signed", 3: "float"][format] ?? (format == 1 ? "unsigned" : "other")
      throw damage(
        "needs samples of 8 or 16 bits without a sign, or floats of 32 or 64; has \(kind) ones of "
          + "\(bits)")
    }
    let layout = sample.flatMap { sample -> Picture.Layout? in
      guard isRead else { return nil }
      let opacity = opacity(handle, colors: isColored ? 3 : 1, samples: samples)
      return Picture.Layout(
        channels: samples - (opacity == .none ? 0 : 1), opacity: opacity, sample: sample)
    }
    return TIFFHead(
      size: try file.size(height: height, width: width, channels: layout?.sampleCount ?? 3),
      layout: layout,
      orientation: short(.orientation, handle).flatMap(Orientation.init(rawValue:)) ?? .upright,
      isInverted: photometric == Photometric.whiteIsZero,
      isPlanar: short(.planarConfiguration, handle) == Self.separatePlanes,
      isJPEG: isJPEG, isLastPage: isLastPage(handle) != 0)
  }

  private static func sample(format: Int, bits: Int) -> SampleType? {
    switch (format, bits) {
    case (SampleFormat.unsigned, 8), (SampleFormat.untyped, 8): .uint8
    case (SampleFormat.unsigned, 16), (SampleFormat.untyped, 16): .uint16
    case (SampleFormat.float, 32): .float32
    case (SampleFormat.float, 64): .float64
    default: nil
    }
  }

  /// A channel behind the colors is opacity only if the file says so: many have infrared there.
  private func opacity(_ handle: Handle, colors: Int, samples: Int) -> Picture.Layout.Opacity {
    guard samples == colors + 1 else { return .none }
    return switch extraSamples(handle).first {
    case Self.multipliedOpacity: .premultiplied
    case Self.separateOpacity: .separate
    default: .none
    }
  }

  // Of tiff.h.
  private static let (jpeg, separatePlanes) = (7, 2)
  private static let (multipliedOpacity, separateOpacity): (UInt16, UInt16) = (1, 2)

  private enum Photometric {
    static let (whiteIsZero, blackIsZero, colors, brightnessAndColors) = (0, 1, 2, 6)
  }

  private enum SampleFormat {
    static let (unsigned, float, untyped) = (1, 3, 4)
  }
}

// MARK: - Pixels

extension LibTIFF {
  /// Decodes the first picture of a file.
  ///
  /// - Throws: ``FileError``.
  func picture(_ file: PictureFile) throws -> Picture {
    try withOpen(file) { handle, damage in
      let head = try head(file, handle, damage)
      try check(file, claims: head.size.height * head.size.width * head.decoded.byteCount)
      // libtiff has room for a whole tile, whatever of it lies within the picture.
      if isTiled(handle) != 0 { try check(file, claims: tileSize(handle)) }
      guard let layout = head.layout else {
        return try colors(head, handle) { damage("needs a whole TIFF picture") }
      }
      // As it would be if the file had no compression.
      if head.isJPEG { set(.jpegColorMode, to: 1, handle) }
      let reader = TIFFReader(
        library: self, handle: handle, head: head, layout: layout,
        damage: { damage("needs a whole TIFF picture") })
      return try Picture(size: head.size, layout) { out in
        try reader.read(into: UnsafeMutableRawBufferPointer(out))
        if head.isInverted { Self.invert(out, layout) }
      }
    }
  }

  /// No compression that is in use makes more of a byte: a small file that claims a large picture is
  /// not worth the memory.
  private func check(_ file: PictureFile, claims count: Int) throws {
    guard count <= 4_096 * file.contents.count + 1 << 20 else {
      throw file.damage(
        "needs a TIFF picture of at most 4096 bytes for each of the file; it says \(count) for "
          + "\(file.contents.count)")
    }
  }

  /// A picture that libtiff makes colors of.
  private func colors(
    _ head: TIFFHead, _ handle: Handle, damage: () -> FileError
  ) throws -> Picture {
    // It is turned with all others.
    set(.orientation, to: 1, handle)
    let size = head.size
    let all = try Picture(size: size, .colorsAndAlpha) { out in
      guard let start = out.baseAddress,
        readColors(handle, UInt32(size.width), UInt32(size.height), start, 1, 1) != 0
      else { throw damage() }
    }
    return all.withoutOpacity
  }

  /// Black for white; floats stay.
  private static func invert(
    _ out: UnsafeMutableBufferPointer<UInt8>, _ layout: Picture.Layout
  ) {
    guard !layout.sample.isFloat else { return }
    let (pixel, colors) = (layout.byteCount, layout.channels * layout.sample.byteCount)
    for start in stride(from: 0, to: out.count, by: pixel) {
      for index in start..<start + colors { out[index] = ~out[index] }
    }
  }
}

/// Puts the strips or tiles of a picture together.
private struct TIFFReader {
  let library: LibTIFF
  let handle: LibTIFF.Handle
  let head: TIFFHead
  let layout: Picture.Layout
  let damage: () -> FileError

  private var size: Size2D { head.size }
  private var pixelBytes: Int { layout.byteCount }
  /// The bytes of a pixel in a strip or tile.
  private var storedBytes: Int { head.isPlanar ? layout.sample.byteCount : pixelBytes }
  private var planeCount: Int { head.isPlanar ? layout.sampleCount : 1 }

  func read(into out: UnsafeMutableRawBufferPointer) throws {
    if library.isTiled(handle) != 0 { try readTiles(into: out) } else { try readStrips(into: out) }
  }

  private func readStrips(into out: UnsafeMutableRawBufferPointer) throws {
    let rowBytes = size.width * storedBytes
    guard library.scanlineSize(handle) == rowBytes, let start = out.baseAddress,
      let rows = library.long(.rowsPerStrip, handle).map({ min($0, size.height) }), rows > 0
    else { throw damage() }
    let perPlane = (size.height + rows - 1) / rows
    var buffer = [UInt8](repeating: 0, count: head.isPlanar ? rows * rowBytes : 0)
    for plane in 0..<planeCount {
      for strip in 0..<perPlane {
        let first = strip * rows
        let count = min(rows, size.height - first)
        let number = UInt32(plane * perPlane + strip)
        guard head.isPlanar else {
          let got = library.readStrip(
            handle, number, start + first * rowBytes, count * rowBytes)
          guard got == count * rowBytes else { throw damage() }
          continue
        }
        let got = buffer.withUnsafeMutableBytes { buffer in
          buffer.baseAddress.map { library.readStrip(handle, number, $0, count * rowBytes) }
        }
        guard got == count * rowBytes else { throw damage() }
        place(
          buffer, Size2D(height: count, width: size.width), row: first, column: 0, plane: plane,
          into: out)
      }
    }
  }

  private func readTiles(into out: UnsafeMutableRawBufferPointer) throws {
    guard let width = library.long(.tileWidth, handle),
      let height = library.long(.tileHeight, handle), width > 0, height > 0,
      library.tileRowSize(handle) == width * storedBytes
    else { throw damage() }
    let (count, overflow) = height.multipliedReportingOverflow(by: width * storedBytes)
    guard !overflow, library.tileSize(handle) == count else { throw damage() }
    var buffer = [UInt8](repeating: 0, count: count)
    for plane in 0..<planeCount {
      for row in stride(from: 0, to: size.height, by: height) {
        for column in stride(from: 0, to: size.width, by: width) {
          let got = buffer.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map {
              library.readTile(handle, $0, UInt32(column), UInt32(row), 0, UInt16(plane))
            }
          }
          guard got == count else { throw damage() }
          place(
            buffer, Size2D(height: height, width: width), row: row, column: column, plane: plane,
            into: out)
        }
      }
    }
  }

  /// Copies what of a part[height, width, stored bytes] lies within the picture.
  private func place(
    _ part: [UInt8], _ partSize: Size2D, row: Int, column: Int, plane: Int,
    into out: UnsafeMutableRawBufferPointer
  ) {
    let columns = min(partSize.width, size.width - column)
    part.withUnsafeBytes { part in
      for y in 0..<min(partSize.height, size.height - row) {
        let source = y * partSize.width * storedBytes
        let target = ((row + y) * size.width + column) * pixelBytes + plane * storedBytes
        if !head.isPlanar {
          out[target..<target + columns * pixelBytes]
            .copyBytes(from: part[source..<source + columns * pixelBytes])
          continue
        }
        for x in 0..<columns {
          for byte in 0..<storedBytes {
            out[target + x * pixelBytes + byte] = part[source + x * storedBytes + byte]
          }
        }
      }
    }
  }
}
