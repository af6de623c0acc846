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

  /// A tent of half-width 1 around the position, at the border the pixels beyond are the last one.
  static func resizedBilinear(_ images: Twin, to size: Size2D) -> Twin {
    let (height, width) = (images.shape[1], images.shape[2])
    return Twin([images.shape[0], size.height, size.width, images.shape[3]]) { index in
      let y = (Double(index[1]) + 0.5) * Double(height) / Double(size.height) - 0.5
      let x = (Double(index[2]) + 0.5) * Double(width) / Double(size.width) - 0.5
      var sum = 0.0
      for row in [floor(y), floor(y) + 1] {
        for column in [floor(x), floor(x) + 1] {
          let weight = (1 - abs(y - row)) * (1 - abs(x - column))
          let pixel = (
            min(max(Int(row), 0), height - 1), min(max(Int(column), 0), width - 1)
          )
          sum += weight * images[[index[0], pixel.0, pixel.1, index[3]]]
        }
      }
      return sum
    }
  }
}
