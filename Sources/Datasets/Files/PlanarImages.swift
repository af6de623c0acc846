/// How the bytes of one image lie in a file, a channel after the other.
struct PlanarImages {
  let height: Int
  let width: Int
  let channels: Int
  /// Whether a channel lies column by column rather than row by row.
  let isColumnMajor: Bool

  /// The bytes of an image.
  var byteCount: Int { height * width * channels }

  /// Puts the channels of each pixel side by side and the pixels row by row, image after image in
  /// the place where they are.
  func interleave(_ images: inout [UInt8]) {
    var image = [UInt8](repeating: 0, count: byteCount)
    for start in stride(from: 0, to: images.count, by: byteCount) {
      for channel in 0..<channels {
        let plane = start + channel * height * width
        for y in 0..<height {
          for x in 0..<width {
            let place = isColumnMajor ? x * height + y : y * width + x
            image[(y * width + x) * channels + channel] = images[plane + place]
          }
        }
      }
      images.replaceSubrange(start..<start + byteCount, with: image)
    }
  }
}
