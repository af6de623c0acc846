import Foundation
import SelfSupervised

/// Small images side by side, in columns, on white.
struct Picture {
  /// Tiles of shape [side, side, 3], values 0...1, from top to bottom; all columns have as many.
  private let columns: [[Tensor]]
  private let side: Int
  /// How many times each pixel is repeated to the right and down.
  private let magnification = 3
  private let gap = 4

  init(columns: [[Tensor]]) {
    self.columns = columns
    side = columns[0][0].shape[0]
  }

  /// A tile that shows each class in its colour.
  static func tile(_ labels: some Collection<Int>, side: Int) -> Tensor {
    Tensor(labels.flatMap { colors[$0 % colors.count] }, shape: [side, side, 3])
  }

  private static let colors: [[Float]] = [
    [0.12, 0.12, 0.14], [0.90, 0.29, 0.24], [0.20, 0.60, 0.86], [0.95, 0.77, 0.06],
    [0.18, 0.80, 0.44], [0.61, 0.35, 0.71], [0.90, 0.49, 0.13], [0.10, 0.74, 0.61],
  ]

  /// Writes the picture in the PPM format.
  func write(to path: String) throws {
    let (width, height) = (extent(of: columns.count), extent(of: columns[0].count))
    let bytes = pixels(width: width, height: height)
    try writeAtomically(to: path) { file in
      try file.write(contentsOf: Data("P6 \(width) \(height) 255\n".utf8) + bytes)
    }
  }

  private var step: Int { side * magnification + gap }

  private func extent(of tiles: Int) -> Int { tiles * step + gap }

  private func pixels(width: Int, height: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 255, count: width * height * 3)
    for (column, tiles) in columns.enumerated() {
      for (row, tile) in tiles.enumerated() {
        let corner = (y: row * step + gap, x: column * step + gap)
        draw(tile.scalars) { y, x in ((corner.y + y) * width + corner.x + x) * 3 }
      }
    }
    return bytes

    func draw(_ tile: [Float], at place: (Int, Int) -> Int) {
      for y in 0..<side * magnification {
        for x in 0..<side * magnification {
          let source = (y / magnification * side + x / magnification) * 3
          for channel in 0..<3 {
            bytes[place(y, x) + channel] = UInt8((tile[source + channel] * 255).rounded())
          }
        }
      }
    }
  }
}
