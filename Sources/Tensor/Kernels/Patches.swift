extension ConvolutionGeometry {
  /// columns[row, ky · kx · c] = the patches of images[n, h, w, c] below result positions `rows`.
  func im2col(
    _ images: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    into columns: UnsafeMutablePointer<Float>
  ) {
    var target = columns
    forEachPatchRow(rows) { image, y, x in
      let begin = images + image * input.height * input.width * inputs + group * groupInputs
      for ky in 0..<kernel.height {
        let row = y + ky * dilation.height
        if row < 0 || row >= input.height {
          target.update(repeating: 0, count: kernel.width * groupInputs)
          target += kernel.width * groupInputs
        } else {
          target = copyPatchLine(begin + row * input.width * inputs, from: x, into: target)
        }
      }
    }
  }

  /// One line of a patch, the pixels x, x + dilation, …; returns where the next line goes.
  @inline(__always)
  private func copyPatchLine(
    _ line: UnsafePointer<Float>, from x: Int, into target: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    var target = target
    if groups == 1, dilation.width == 1, x >= 0, x + kernel.width <= input.width {
      target.update(from: line + x * inputs, count: kernel.width * inputs)
      return target + kernel.width * inputs
    }
    for kx in 0..<kernel.width {
      let column = x + kx * dilation.width
      if column < 0 || column >= input.width {
        target.update(repeating: 0, count: groupInputs)
      } else {
        target.update(from: line + column * inputs, count: groupInputs)
      }
      target += groupInputs
    }
    return target
  }

  /// images[n, h, w, c] += the patches columns[row, ky · kx · c] of result positions `rows`.
  func col2im(
    _ columns: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    addingTo images: UnsafeMutablePointer<Float>
  ) {
    var source = columns
    forEachPatchRow(rows) { image, y, x in
      let begin = images + image * input.height * input.width * inputs + group * groupInputs
      for ky in 0..<kernel.height {
        let row = y + ky * dilation.height
        for kx in 0..<kernel.width {
          let column = x + kx * dilation.width
          if row >= 0, row < input.height, column >= 0, column < input.width {
            let pixel = begin + (row * input.width + column) * inputs
            for channel in 0..<groupInputs { pixel[channel] += source[channel] }
          }
          source += groupInputs
        }
      }
    }
  }

  /// Calls `body` with the image and the upper left corner of the patch of each result position.
  @inline(__always)
  private func forEachPatchRow(
    _ rows: Range<Int>, _ body: (_ image: Int, _ y: Int, _ x: Int) -> Void
  ) {
    var image = rows.lowerBound / positions
    var row = rows.lowerBound % positions / output.width
    var column = rows.lowerBound % output.width
    for _ in rows {
      body(
        image, row * stride.height - padding.height, column * stride.width - padding.width)
      column += 1
      guard column == output.width else { continue }
      column = 0
      row += 1
      guard row == output.height else { continue }
      row = 0
      image += 1
    }
  }
}
