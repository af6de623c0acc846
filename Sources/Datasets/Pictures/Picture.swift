import Tensor

/// A decoded picture: red, green and blue of every pixel as bytes, row after row.
struct Picture {
  let size: Size2D
  /// Of shape [height, width, 3].
  let bytes: [UInt8]

  /// What is in the file at `path`; its first bytes say which format it has, whatever its name.
  ///
  /// - Parameters:
  ///   - path: A JPEG, PNG or WebP file.
  ///   - needed: The size that is wanted in the end: a much larger JPEG is decoded at a part of its
  ///     size, which still has twice as many pixels each way.
  /// - Throws: ``DatasetError``.
  init(path: String, needed: Size2D? = nil) throws {
    do {
      try self.init(decoding: path, needed: needed)
    } catch let damage as PictureDamage {
      throw DatasetError(path, damage.reason)
    }
  }

  /// The same, with damage told apart from files that cannot be read and libraries that are missing.
  ///
  /// - Throws: ``PictureDamage`` or ``DatasetError``.
  init(decoding path: String, needed: Size2D?) throws {
    let file = try plainFileBytes(path)
    do {
      switch try PictureFormat(of: file) {
      case .jpeg: self = try TurboJPEG.shared.get().picture(file, needed: needed)
      case .png: self = try LibPNG.shared.get().picture(file)
      case .webP: self = try LibWebP.shared.get().picture(file)
      }
    } catch let failure as DynamicLibrary.Failure {
      throw DatasetError(path, "\(failure)")
    }
  }

  init(size: Size2D, bytes: [UInt8]) {
    self.size = size
    self.bytes = bytes
  }

  /// The picture as values 0...1.
  var image: Image {
    Image(size: size, channels: 3) { out in
      for (position, byte) in bytes.enumerated() { out[position] = Float(byte) / 255 }
    }
  }

  /// The middle of the picture, resized until it just covers `goal`, as values 0...1.
  func fitted(to goal: Size2D) -> Image {
    let isWide = size.width * goal.height >= size.height * goal.width
    let covering =
      isWide
      ? Size2D(height: goal.height, width: goal.height * size.width / size.height)
      : Size2D(height: goal.width * size.height / size.width, width: goal.width)
    let resampler = Resampler(
      from: size, to: covering, part: .center(goal, of: covering), channels: 3)
    let length = size.width * 3
    return Image(size: goal, channels: 3) { out in
      guard let out = out.baseAddress else { return }
      resampler.run(into: out) { row, line in
        for position in 0..<length { line[position] = Float(bytes[row * length + position]) / 255 }
      }
    }
  }
}

extension Picture {
  /// Pillow's limit: a damaged or malicious file may claim to have more.
  private static let mostPixels = 178_956_970

  /// The size that a file's header gives, if that is believable.
  static func size(height: Int, width: Int) throws -> Size2D {
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard height > 0, width > 0, !overflow, pixels <= mostPixels else {
      throw PictureDamage(
        reason:
          "needs a picture of 1 to \(mostPixels) pixels; the file says it has \(height)x\(width)")
    }
    return Size2D(height: height, width: width)
  }
}

/// A picture that cannot be decoded: what was needed and what came.
struct PictureDamage: Error {
  let reason: String
}

/// The formats that can be read.
enum PictureFormat {
  case jpeg, png, webP

  /// The endings of the names of such files.
  static let fileExtensions: Set = ["jpg", "jpeg", "png", "webp"]

  /// The format of a file, by its first bytes.
  init(of file: [UInt8]) throws {
    switch file {
    case _ where file.starts(with: [0xff, 0xd8, 0xff]): self = .jpeg
    case _ where file.starts(with: [0x89, 0x50, 0x4e, 0x47]): self = .png
    case _
    where file.starts(with: Array("RIFF".utf8))
      && file.dropFirst(8).starts(with: Array("WEBP".utf8)):
      self = .webP
    default:
      let start = file.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
      throw PictureDamage(
        reason: "needs a JPEG, PNG or WebP picture; "
          + (start.isEmpty ? "the file is empty" : "the file starts with \(start)"))
    }
  }
}
