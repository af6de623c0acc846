import Datasets
import Foundation
import Images

/// A picture of one format, decoded whole and for a folder of small images.
struct PictureTarget: Target {
  let ending: String

  func seeds() throws -> [Data] {
    let names =
      switch ending {
      case "tif":
        [
          "gray16-lzw.tif", "gray16-bigtiff.tif", "rgb8-deflate.tif", "rgb16-tiles.tif",
          "rgba16.tif", "planes-tiles.tif", "float32.tif", "jpeg.tif", "palette.tif", "onebit.tif",
        ].map { "arrays/" + $0 }
      case "npy": ["gray8.npy", "big16.npy", "fortran.npy", "float32.npy"].map { "arrays/" + $0 }
      case "png":
        [
          "pictures/color.png", "pictures/palette.png", "pictures/onebit.png",
          "pictures/interlaced.png", "pictures/gamma.png", "arrays/rgba16.png",
        ]
      case "jpg":
        ["color.jpg", "grey.jpg", "inks.jpg", "progressive.JPEG", "unusual.jpg"]
          .map { "pictures/" + $0 }
      default: ["pictures/lossy.webp", "pictures/lossless.webp"]
      }
    return try names.map { try fixture("ImagesTests/Fixtures/\($0)") }
  }

  func read(_ input: Data) {
    // Larger pictures may be true, and take their time and memory.
    guard claimedPixels(input) <= 1 << 18 else { return }
    let folder = scratch + "/pictures"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = scratchFile("pictures/a.\(ending)", input)
    if let image = try? PixelImage(contentsOf: path) {
      precondition(image.pixels.withUnsafeBufferPointer { $0.allSatisfy { (0...1).contains($0) } })
    }
    guard let contents = try? ImageFolder.contents(of: folder) else { return }
    let channels = (try? PictureSurvey(of: contents).channels) ?? 3
    _ = try? ImageFolder.load(
      contents, imageSize: 8, channels: channels, options: PictureOptions(depth: .sixteen))
    _ = try? ImageFolder.load(contents, imageSize: 8)
  }

  /// The pixels that a header claims, or more.
  private func claimedPixels(_ file: Data) -> Int {
    let bytes = [UInt8](file)
    // 32 bits at most, of which two halves are multiplied.
    func number(_ start: Int, _ places: Int...) -> Int {
      let number = places.reduce(0) { sum, place in
        sum << 8 | (start + place < bytes.count ? Int(bytes[start + place]) : 0)
      }
      return min(number, 1 << 31)
    }
    // The reader goes by the first bytes, whatever the file's name.
    let start = bytes.prefix(4)
    switch start {
    case [0x89, 0x50, 0x4e, 0x47]: return number(16, 0, 1, 2, 3) * number(20, 0, 1, 2, 3)
    case _ where start.starts(with: [0xff, 0xd8, 0xff]):
      // Any marker that may begin a frame: its length, precision, height and width.
      return bytes.indices.dropLast().filter { bytes[$0] == 0xff && 0xc0...0xcf ~= bytes[$0 + 1] }
        .map { number($0 + 5, 0, 1) * number($0 + 5, 2, 3) }.max() ?? 0
    case [0x52, 0x49, 0x46, 0x46]:
      let lossy = (number(26, 1, 0) & 0x3fff) * (number(28, 1, 0) & 0x3fff)
      let lossless = (number(21, 1, 0) & 0x3fff + 1) * (number(22, 2, 1, 0) >> 6 & 0x3fff + 1)
      let extended = (number(24, 2, 1, 0) + 1) * (number(27, 2, 1, 0) + 1)
      return switch number(15, 0) {
      case 0x20: lossy
      case 0x4c: lossless
      default: max(extended, lossless)
      }
    // Readers of TIFF and NumPy compare what a file claims with what it has.
    default: return 0
    }
  }
}
