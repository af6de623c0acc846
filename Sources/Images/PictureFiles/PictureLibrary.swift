/// The libraries that decode pictures, opened at run time.
package enum PictureLibrary: String, CaseIterable {
  case jpeg = "libjpeg-turbo"
  case png = "libpng"
  case webP = "libwebp"
  case animatedWebP = "libwebpdemux"
  case tiff = "libtiff"

  /// Why the library is not there, and how to get it; nil if it is.
  package var missing: String? {
    do {
      switch self {
      case .jpeg: _ = try TurboJPEG.shared.get()
      case .png: _ = try LibPNG.shared.get()
      case .webP: _ = try LibWebP.shared.get()
      case .animatedWebP: _ = try WebPAnimation.shared.get()
      case .tiff: _ = try LibTIFF.shared.get()
      }
      return nil
    } catch {
      return "\(error)"
    }
  }
}
