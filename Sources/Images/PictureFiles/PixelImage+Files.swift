import Files
import Foundation
import Tensor

extension PixelImage {
  /// The picture in a JPEG, PNG or WebP file, as red, green and blue, or in a TIFF or NumPy file,
  /// with the channels that it has; the first one of a file with several.
  ///
  /// - Parameters:
  ///   - path: The file. NumPy's have an array of shape (height, width) or (height, width, channels).
  ///   - options: Whether it is turned as EXIF says, what shows through transparent pixels, and
  ///     what values mean.
  /// - Throws: `FileError` if there is none, it is damaged or the library that decodes it is
  ///   missing.
  public init(contentsOf path: String, options: PictureOptions = PictureOptions()) throws {
    self = try Picture(path: RawPath(path), options: options).image
  }

  /// Writes the picture as a .png file, by libpng, or as a .ppm file, which needs no library.
  ///
  /// Values below 0, and those that are no numbers, are written as 0, and values above 1 as 1.
  ///
  /// - Throws: `FileError` if the name ends otherwise, libpng is missing, or the file cannot be
  ///   written; an earlier file stays as it was.
  /// - Precondition: The image has one or three channels.
  public func write(to path: String) throws {
    precondition(
      [1, 3].contains(channels), "write needs an image of 1 or 3 channels; got \(self)")
    let file: [UInt8]
    switch path.endingOfPath {
    case "png": file = try pngFile(for: path)
    case "ppm": file = Array("P6 \(width) \(height) 255\n".utf8) + colors
    default: throw FileError(path, "needs a name that ends with .png or .ppm", .unwritable)
    }
    try writeAtomically(to: path) { try $0.write(contentsOf: Data(file)) }
  }

  /// The bytes of a .png file, which errors name `path`.
  ///
  /// - Throws: `FileError` if libpng is missing.
  /// - Precondition: The image has one or three channels.
  package func pngFile(for path: String) throws -> [UInt8] {
    try library(LibPNG.shared, for: path).file(path, of: colors, size: size)
  }

  /// The picture as an address that a page can show: a JPEG file by libjpeg-turbo, or else a PNG
  /// file by libpng, within the address.
  ///
  /// - Parameter quality: How good the JPEG file is, from 1 to 100.
  /// - Returns: The address, which begins with `data:`.
  /// - Throws: `FileError` if both libraries are missing.
  /// - Precondition: The image has one or three channels.
  package func dataAddress(quality: Int = 80) throws -> String {
    precondition(
      [1, 3].contains(channels) && (1...100).contains(quality),
      "dataAddress needs an image of 1 or 3 channels and a quality in 1...100; got \(self) and "
        + "\(quality)")
    let place = "a picture within a page"
    if case .success(let encoder) = TurboJPEG.shared {
      let file = try encoder.file(place, of: colors, size: size, quality: quality)
      return "data:image/jpeg;base64," + Data(file).base64EncodedString()
    }
    return "data:image/png;base64," + Data(try pngFile(for: place)).base64EncodedString()
  }

  /// Red, green and blue of each pixel as bytes, rounded.
  var colors: [UInt8] {
    pixels.withUnsafeBufferPointer { values in
      channels == 3
        ? values.map(UInt8.init(rounding:))
        : values.flatMap { [UInt8](repeating: UInt8(rounding: $0), count: 3) }
    }
  }
}
