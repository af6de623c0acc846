import Foundation
import SelfSupervised

/// Small images side by side, in rows.
struct Picture {
  /// Tiles of shape [size, size, 3], values 0...1, row by row; all rows have as many.
  let rows: [[Tensor]]
  /// How many times each pixel is repeated to the right and down.
  var magnification = 3
  private let gap = 4

  init(_ rows: [[Tensor]]) { self.rows = rows }

  /// A tile that shows each class in its colour.
  static func tile(_ labels: [Int], size: Int) -> Tensor {
    Tensor(labels.flatMap { colors[$0 % colors.count] }, shape: [size, size, 3])
  }

  private static let colors: [[Float]] = [
    [0.12, 0.12, 0.14], [0.90, 0.29, 0.24], [0.20, 0.60, 0.86], [0.95, 0.77, 0.06],
    [0.18, 0.80, 0.44], [0.61, 0.35, 0.71], [0.90, 0.49, 0.13], [0.10, 0.74, 0.61],
  ]

  /// Writes the picture in the PPM format, on white.
  func write(to path: String) throws {
    let side = rows[0][0].shape[0] * magnification
    let width = rows[0].count * (side + gap) + gap
    let height = rows.count * (side + gap) + gap
    var bytes = [UInt8](repeating: 255, count: width * height * 3)
    for (row, tiles) in rows.enumerated() {
      for (column, tile) in tiles.enumerated() {
        let values = tile.scalars
        for y in 0..<side {
          for x in 0..<side {
            let source = (y / magnification * tile.shape[1] + x / magnification) * 3
            let line = row * (side + gap) + gap + y
            let target = (line * width + column * (side + gap) + gap + x) * 3
            for channel in 0..<3 {
              bytes[target + channel] = UInt8((values[source + channel] * 255).rounded())
            }
          }
        }
      }
    }
    try (Data("P6 \(width) \(height) 255\n".utf8) + Data(bytes)).write(
      to: URL(fileURLWithPath: path))
  }
}
