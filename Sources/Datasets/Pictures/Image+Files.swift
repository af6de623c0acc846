import Foundation
import Tensor

extension Image {
  /// The picture in a JPEG, PNG or WebP file, as red, green and blue.
  ///
  /// - Throws: ``DatasetError`` if there is none, it is damaged or the library that decodes it is missing.
  public init(contentsOf path: String) throws {
    self = try Picture(path: path).image
  }

  /// Writes the picture as a .png file, by libpng, or as a .ppm file, which needs no library.
  ///
  /// Values below 0, and those that are no numbers, are written as 0, and values above 1 as 1.
  ///
  /// - Throws: ``DatasetError`` if the name ends otherwise or libpng is missing, `FileError` if the file
  ///   cannot be written; an earlier file stays as it was.
  /// - Precondition: The image has one or three channels.
  public func write(to path: String) throws {
    precondition(
      [1, 3].contains(channels), "write needs an image of 1 or 3 channels; got \(self)")
    let file: [UInt8]
    switch (path as NSString).pathExtension.lowercased() {
    case "png":
      do {
        file = try LibPNG.shared.get().file(of: colors, size: size)
      } catch let failure as DynamicLibrary.Failure {
        throw DatasetError(path, "\(failure)")
      } catch let damage as PictureDamage {
        throw DatasetError(path, damage.reason)
      }
    case "ppm": file = Array("P6 \(width) \(height) 255\n".utf8) + colors
    default: throw DatasetError(path, "needs a name that ends with .png or .ppm")
    }
    try writeAtomically(to: path) { try $0.write(contentsOf: Data(file)) }
  }

  /// Red, green and blue of each pixel as bytes, rounded.
  private var colors: [UInt8] {
    let bytes = self.bytes
    return channels == 3 ? bytes : bytes.flatMap { [$0, $0, $0] }
  }

  /// The values as bytes, rounded.
  var bytes: [UInt8] {
    pixels.withUnsafeBufferPointer { values in
      values.map { $0 > 0 ? UInt8((min($0, 1) * 255).rounded()) : 0 }
    }
  }
}
