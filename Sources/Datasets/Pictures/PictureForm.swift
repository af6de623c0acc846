import Tensor

/// The size and the channels that pictures are brought to.
struct PictureForm: Sendable {
  let size: Size2D
  let channels: Int

  init(_ size: Size2D, channels: Int) {
    precondition(
      [1, 3].contains(channels) && size.height > 0 && size.width > 0,
      "ImageFolder needs 1 or 3 channels and a size of at least 1x1; got \(channels) and \(size)")
    self.size = size
    self.channels = channels
  }

  /// The shape of one image: [height, width, channels].
  var shape: Shape { Shape([size.height, size.width, channels]) }

  /// The picture in a file, resized and cut out.
  ///
  /// - Throws: ``PictureDamage`` or ``DatasetError``.
  func bytes(of path: String) throws -> [UInt8] {
    let colors = try Picture(decoding: path, needed: size).fitted(to: size)
    return (channels == 3 ? colors : colors.grey).bytes
  }
}

extension DatasetError {
  /// What went wrong with a picture.
  init(_ path: String, _ error: any Error) {
    self =
      error as? DatasetError
      ?? DatasetError(path, (error as? PictureDamage)?.reason ?? "\(error)")
  }
}

extension Image {
  /// The luma of an image in colours.
  fileprivate var grey: Image {
    pixels.withUnsafeBufferPointer { colors in
      Image(size: size, channels: 1) { out in
        for pixel in out.indices {
          let place = 3 * pixel
          out[pixel] = 0.299 * colors[place] + 0.587 * colors[place + 1] + 0.114 * colors[place + 2]
        }
      }
    }
  }
}
