import Tensor

/// The windows of a pooling and the pixels in each, for loops over them.
struct PoolingWindows {
  let images: [Int]
  let window: Size2D
  let stride: Size2D
  let padding: Size2D

  var result: [Int] {
    [
      images[0], (images[1] + 2 * padding.height - window.height) / stride.height + 1,
      (images[2] + 2 * padding.width - window.width) / stride.width + 1, images[3],
    ]
  }

  /// The positions of the image values in the window of the result at `index`.
  func positions(at index: [Int]) -> [Int] {
    var positions: [Int] = []
    for ky in 0..<window.height {
      let y = index[1] * stride.height + ky - padding.height
      guard y >= 0, y < images[1] else { continue }
      for kx in 0..<window.width {
        let x = index[2] * stride.width + kx - padding.width
        guard x >= 0, x < images[2] else { continue }
        positions.append(((index[0] * images[1] + y) * images[2] + x) * images[3] + index[3])
      }
    }
    return positions
  }
}

extension Twin {
  static func maxPool(_ images: Twin, _ windows: PoolingWindows) -> Twin {
    Twin(windows.result) { index in
      windows.positions(at: index).map { images.values[$0] }.max() ?? .nan
    }
  }

  static func averagePool(_ images: Twin, _ windows: PoolingWindows) -> Twin {
    Twin(windows.result) { index in
      windows.positions(at: index).reduce(0) { $0 + images.values[$1] }
        / Double(windows.window.height * windows.window.width)
    }
  }
}
