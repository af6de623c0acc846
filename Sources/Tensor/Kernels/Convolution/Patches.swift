extension ConvolutionGeometry {
  /// columns[row, ky · kx · c] = the patches of images[n, h, w, c] below result positions `rows`.
  func im2col(
    _ images: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    into columns: UnsafeMutablePointer<Float>
  ) {
    let images = images + group * groupInputs
    forEachPatchLine(of: rows) { patch, line, x, place in
      let (target, line) = (columns + patch, images + line)
      switch place {
      case .outside: target.update(repeating: 0, count: kernel.width * groupInputs)
      case .dense: copy(line + x &* inputs, count: kernel.width * groupInputs, into: target)
      case .pixels:
        for kx in 0..<kernel.width {
          let (column, pixel) = (x + kx * dilation.width, target + kx * groupInputs)
          if column < 0 || column >= input.width {
            pixel.update(repeating: 0, count: groupInputs)
          } else {
            pixel.update(from: line + column * inputs, count: groupInputs)
          }
        }
      }
    }
  }

  /// images[n, h, w, c] += the patches columns[row, ky · kx · c] of result positions `rows`.
  func col2im(
    _ columns: UnsafePointer<Float>, group: Int, rows: Range<Int>,
    addingTo images: UnsafeMutablePointer<Float>
  ) {
    let images = images + group * groupInputs
    forEachPatchLine(of: rows) { patch, line, x, place in
      let (source, line) = (columns + patch, images + line)
      switch place {
      case .outside: break
      case .dense: add(source, count: kernel.width &* inputs, to: line + x &* inputs)
      case .pixels:
        for kx in 0..<kernel.width {
          let column = x + kx * dilation.width
          guard column >= 0, column < input.width else { continue }
          add(source + kx * groupInputs, count: groupInputs, to: line + column * inputs)
        }
      }
    }
  }

  /// Calls `body` for each line of the patches below result positions `rows`, with its offset in
  /// the patches, the offset of its row in the images, its first column there, and where its pixels
  /// are.
  @inline(__always)
  private func forEachPatchLine(
    of rows: Range<Int>, _ body: (_ patch: Int, _ line: Int, _ x: Int, _ place: LinePlace) -> Void
  ) {
    let isDense = groups == 1 && dilation.width == 1
    var patch = 0
    forEachResultRow(of: rows) { image, row, positions in
      for ky in 0..<kernel.height {
        let y = row * stride.height - padding.height + ky * dilation.height
        let isOutside = y < 0 || y >= input.height
        let line = (image * input.height + y) * input.width * inputs
        var start = patch + ky * kernel.width * groupInputs
        for position in positions {
          let x = position &* stride.width &- padding.width
          let isWhole = isDense && x >= 0 && x &+ kernel.width <= input.width
          body(start, line, x, isOutside ? .outside : isWhole ? .dense : .pixels)
          start &+= patchLength
        }
      }
      patch += positions.count * patchLength
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

/// Where the pixels of a patch's line are: above or below the image, one after the other in it, or
/// each at a place of its own, some of them beside the image.
private enum LinePlace { case outside, dense, pixels }

/// target[count] += source[count]
@inline(__always)
private func add(
  _ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Float>
) {
  for index in 0..<count { target[index] += source[index] }
}

/// target[count] = source[count]. For a line of a few pixels of three channels a call of memcpy
/// would take as long as the copy.
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
