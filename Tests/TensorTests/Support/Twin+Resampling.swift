import Foundation
import Tensor

extension Twin {
  /// The pixel at the floor of the scaled position.
  static func resizedNearest(_ images: Twin, to size: Size2D) -> Twin {
    let (height, width) = (images.shape[1], images.shape[2])
    return Twin([images.shape[0], size.height, size.width, images.shape[3]]) { index in
      images[[
        index[0], index[1] * height / size.height, index[2] * width / size.width, index[3],
      ]]
    }
  }

  /// A tent of half-width 1 around the position; at the border the pixels beyond are the last one.
  static func resizedBilinear(_ images: Twin, to size: Size2D) -> Twin {
    resized(images, to: size, reach: 1) { 1 - abs($0) }
  }

  /// The cubic of torch's `bicubic` around the position, likewise.
  static func resizedBicubic(_ images: Twin, to size: Size2D) -> Twin {
    resized(images, to: size, reach: 2) { keys($0, -0.75) }
  }

  /// The mean of all pixels, weighted by a curve that is as wide as a new pixel.
  static func resizedAveraging(_ images: Twin, to size: Size2D, _ curve: Interpolation) -> Twin {
    func weights(_ old: Int, _ new: Int, _ index: Int) -> [Double] {
      let scale = Double(old) / Double(new)
      let heights = (0..<old).map { pixel in
        let x = (Double(pixel) + 0.5 - scale * (Double(index) + 0.5)) / max(1, scale)
        return curve == .bicubic ? keys(x, -0.5) : max(0, 1 - abs(x))
      }
      return heights.map { $0 / heights.reduce(0, +) }
    }
    return Twin([images.shape[0], size.height, size.width, images.shape[3]]) { index in
      var sum = 0.0
      for (row, down) in weights(images.shape[1], size.height, index[1]).enumerated() {
        for (column, across) in weights(images.shape[2], size.width, index[2]).enumerated() {
          sum += down * across * images[[index[0], row, column, index[3]]]
        }
      }
      return sum
    }
  }

  private static func resized(
    _ images: Twin, to size: Size2D, reach: Int, _ curve: @escaping (Double) -> Double
  ) -> Twin {
    let (height, width) = (images.shape[1], images.shape[2])
    return Twin([images.shape[0], size.height, size.width, images.shape[3]]) { index in
      let y = (Double(index[1]) + 0.5) * Double(height) / Double(size.height) - 0.5
      let x = (Double(index[2]) + 0.5) * Double(width) / Double(size.width) - 0.5
      var sum = 0.0
      for row in (1 - reach...reach).map({ floor(y) + Double($0) }) {
        for column in (1 - reach...reach).map({ floor(x) + Double($0) }) {
          let pixel = (
            min(max(Int(row), 0), height - 1), min(max(Int(column), 0), width - 1)
          )
          sum +=
            curve(y - row) * curve(x - column) * images[[index[0], pixel.0, pixel.1, index[3]]]
        }
      }
      return sum
    }
  }

  /// Keys' cubic, from its two pieces.
  private static func keys(_ distance: Double, _ a: Double) -> Double {
    let t = abs(distance)
    if t <= 1 { return (a + 2) * pow(t, 3) - (a + 3) * pow(t, 2) + 1 }
    return t < 2 ? a * pow(t, 3) - 5 * a * pow(t, 2) + 8 * a * t - 4 * a : 0
  }
}
