extension ConvolutionGeometry {
  /// columns[row, ky · kx · c] = the patches of images[n, h, w, c] below result positions `rows`.
  func im2col(
    _ images: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    into columns: UnsafeMutablePointer<Float>
  ) {
    var target = columns
    forEachResultRow(of: rows) { image, row, positions in
      let begin = images + image * input.height * input.width * inputs + group * groupInputs
      for ky in 0..<kernel.height {
        copyPatchLines(
          begin, row: row * stride.height - padding.height + ky * dilation.height, positions,
          into: target + ky * kernel.width * groupInputs)
      }
      target += positions.count * patchLength
    }
  }

  /// The lines in one row of an image of the patches below some positions of a result's row.
  @inline(__always)
  private func copyPatchLines(
    _ image: UnsafePointer<Float>, row: Int, _ positions: Range<Int>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let line = image + row * input.width * inputs
    let isOutside = row < 0 || row >= input.height
    let isDense = groups == 1 && dilation.width == 1
    let length = kernel.width * groupInputs
    var target = target
    for position in positions {
      let x = position &* stride.width &- padding.width
      if isOutside {
        target.update(repeating: 0, count: length)
      } else if isDense, x >= 0, x &+ kernel.width <= input.width {
        copy(line + x &* inputs, count: length, into: target)
      } else {
        copyPixels(line, from: x, into: target)
      }
      target += patchLength
    }
  }

  /// The pixels x, x + dilation, … of a line, and zeros for those beside it.
  private func copyPixels(
    _ line: UnsafePointer<Float>, from x: Int, into target: UnsafeMutablePointer<Float>
  ) {
    for kx in 0..<kernel.width {
      let (column, pixel) = (x + kx * dilation.width, target + kx * groupInputs)
      if column < 0 || column >= input.width {
        pixel.update(repeating: 0, count: groupInputs)
      } else {
        pixel.update(from: line + column * inputs, count: groupInputs)
      }
    }
  }

  /// images[n, h, w, c] += the patches columns[row, ky · kx · c] of result positions `rows`.
  func col2im(
    _ columns: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    addingTo images: UnsafeMutablePointer<Float>
  ) {
    var source = columns
    forEachResultRow(of: rows) { image, row, positions in
      let begin = images + image * input.height * input.width * inputs + group * groupInputs
      for ky in 0..<kernel.height {
        addPatchLines(
          source + ky * kernel.width * groupInputs, positions,
          to: begin, row: row * stride.height - padding.height + ky * dilation.height)
      }
      source += positions.count * patchLength
    }
  }

  /// Adds the lines of patches that lie in one row of an image to it.
  @inline(__always)
  private func addPatchLines(
    _ source: UnsafePointer<Float>, _ positions: Range<Int>,
    to image: UnsafeMutablePointer<Float>, row: Int
  ) {
    guard row >= 0, row < input.height else { return }
    let line = image + row * input.width * inputs
    let isDense = groups == 1 && dilation.width == 1
    var source = source
    for position in positions {
      let x = position &* stride.width &- padding.width
      if isDense, x >= 0, x &+ kernel.width <= input.width {
        add(source, count: kernel.width &* inputs, to: line + x &* inputs)
      } else {
        addPixels(source, to: line, from: x)
      }
      source += patchLength
    }
  }

  /// Adds to the pixels x, x + dilation, … of a line, as far as there are any.
  private func addPixels(
    _ source: UnsafePointer<Float>, to line: UnsafeMutablePointer<Float>, from x: Int
  ) {
    for kx in 0..<kernel.width {
      let column = x + kx * dilation.width
      guard column >= 0, column < input.width else { continue }
      add(source + kx * groupInputs, count: groupInputs, to: line + column * inputs)
    }
  }

  /// Calls `body` with the image, the row and the columns of each row of results that `rows` meets.
  @inline(__always)
  private func forEachResultRow(
    of rows: Range<Int>, _ body: (_ image: Int, _ row: Int, _ columns: Range<Int>) -> Void
  ) {
    var start = rows.lowerBound
    while start < rows.upperBound {
      let (line, column) = start.quotientAndRemainder(dividingBy: output.width)
      let (image, row) = line.quotientAndRemainder(dividingBy: output.height)
      let count = min(output.width - column, rows.upperBound - start)
      body(image, row, column..<(column + count))
      start += count
    }
  }
}

/// target[count] += source[count]
@inline(__always)
private func add(
  _ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Float>
) {
  for index in 0..<count { target[index] += source[index] }
}

/// target[count] = source[count]: a line of a few pixels of three channels is copied in the time that a call
/// of the C library's function takes.
@inline(__always)
private func copy(
  _ source: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>
) {
  typealias Four = SIMD4<Float>
  guard count >= 4, count <= 32 else { return target.update(from: source, count: count) }
  let (from, to) = (UnsafeRawPointer(source), UnsafeMutableRawPointer(target))
  let last = 4 &* (count &- 4)
  var place = 0
  while place < last {
    to.storeBytes(
      of: from.loadUnaligned(fromByteOffset: place, as: Four.self), toByteOffset: place,
      as: Four.self)
    place &+= 16
  }
  // The last four overlap those before.
  to.storeBytes(
    of: from.loadUnaligned(fromByteOffset: last, as: Four.self), toByteOffset: last, as: Four.self)
}
