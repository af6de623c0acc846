import Datasets
import Files
import Foundation
import Images
import Tensor

/// Small pictures side by side in one file, of which a page shows one at a time.
struct SpriteSheet: Sendable {
  /// The file within the page.
  let address: String
  /// The size of a picture.
  let cell: Size2D
  /// From one picture to the next: whole blocks of JPEG, so that none shows through another.
  let pitch: Size2D
  let columns: Int
  let count: Int

  private static let longestSide = 48
  /// PNG files are some four times as large.
  private static let mostWithoutJPEG = 300

  /// The pictures of a set, in its order; fewer where libjpeg-turbo is missing.
  ///
  /// - Parameters:
  ///   - images: The pictures.
  ///   - channels: The one or three channels that are shown; the first ones if it is nil.
  /// - Throws: `FileError` if the libraries that write pictures are missing.
  init(_ images: any ImageDataset, channels: [Int]? = nil) throws {
    let (height, width) = (images.imageShape[0], images.imageShape[1])
    cell = Size2D(height: height, width: width).fitted(within: Self.longestSide)
    let hasJPEG = PictureLibrary.jpeg.missing == nil
    let number = hasJPEG ? images.count : min(images.count, Self.mostWithoutJPEG)
    count = number
    columns = max(1, Int(Double(number).squareRoot().rounded(.up)))
    pitch = Size2D(height: (cell.height + 7) / 8 * 8, width: (cell.width + 7) / 8 * 8)
    let (cell, pitch, columns) = (cell, pitch, columns)
    let rows = (number + columns - 1) / columns
    let size = Size2D(height: rows * pitch.height, width: columns * pitch.width)
    let sheet = PixelImage(size: size, channels: 3) { out in
      out.update(repeating: 1)
      let atATime = LabelFreeEvaluator.batchSize(of: images)
      for start in stride(from: 0, to: number, by: atATime) {
        let part = images.images(in: start..<min(start + atATime, number))
        for index in 0..<part.shape[0] {
          let (row, column) = ((start + index) / columns, (start + index) % columns)
          PixelImage(part[index]).shown(channels).resized(to: cell).copy(
            to: out, row: row * pitch.height, column: column * pitch.width, width: size.width)
        }
      }
    }
    address = try sheet.dataAddress(quality: 75)
  }

  /// The rule by which elements of class `t` show the picture of `--x` and `--y`, `--w` wide.
  var style: HTML {
    let (across, down) = (
      Double(pitch.width) / Double(cell.width), Double(pitch.height) / Double(cell.width)
    )
    let rows = (count + columns - 1) / columns
    func number(_ value: Double) -> String { String(format: "%.5f", value) }
    return HTML(
      verbatim: """
        .t { background-image: url(\(address)); width: var(--w); height: calc(var(--w) * \(number(Double(cell.height) / Double(cell.width)))); \
        background-size: calc(var(--w) * \(number(across * Double(columns)))) calc(var(--w) * \(number(down * Double(rows)))); \
        background-position: calc(var(--w) * var(--x) * \(number(-across))) calc(var(--w) * var(--y) * \(number(-down))); }

        """)
  }

  /// A picture by its number; its name alone if it is not on the sheet.
  func picture(_ index: Int, name: String) -> HTML {
    index < count
      ? """
      <i class="t" role="img" title="\(name)" aria-label="\(name)" style="--x:\(index % columns);--y:\(index / columns)"></i>
      """
      : "<span>\(name)</span>"
  }
}

extension PixelImage {
  /// Copies the picture into one of three channels whose rows have `width` pixels.
  fileprivate func copy(
    to out: UnsafeMutableBufferPointer<Float>, row: Int, column: Int, width: Int
  ) {
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        for x in 0..<self.width {
          for channel in 0..<3 {
            out[((row + y) * width + column + x) * 3 + channel] =
              pixels[(y * self.width + x) * channels + min(channel, channels - 1)]
          }
        }
      }
    }
  }
}
