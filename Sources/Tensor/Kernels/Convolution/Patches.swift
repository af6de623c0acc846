extension ConvolutionGeometry {
  /// From one patch to the next: one more than a patch has where that makes whole pairs.
  func patchStride(_ format: NumberFormat) -> Int {
    format == .bfloat16 ? (patchLength + 1) / 2 * 2 : patchLength
  }

  /// Room for the patches of some rows, with zeros where none of them has a number.
  func patchRoom(rows: Int, _ format: NumberFormat) -> Storage {
    let stride = patchStride(format)
    let room = Storage(elementCount: rows * stride, format)
    if stride > patchLength {
      for row in 0..<rows { room.numbers.halves[row * stride + patchLength] = 0 }
    }
    return room
  }

  /// columns[row, ky · kx · c] = the patches of images[n, h, w, c] below result positions `rows`,
  /// in the format of the images, each `patchStride` numbers after the one before.
  func im2col(_ images: Numbers, group: Int, rows: Range<Int>, into columns: MutableNumbers) {
    let step = patchStride(images.format)
    switch images.format {
    case .float32:
      copyPatches(images.floats, group: group, rows: rows, into: columns.floats, step: step)
    case .bfloat16:
      copyPatches(images.halves, group: group, rows: rows, into: columns.halves, step: step)
    }
  }

  @inline(__always)
  private func copyPatches<Number: AdditiveArithmetic & BitwiseCopyable>(
    _ images: UnsafePointer<Number>, group: Int, rows: Range<Int>,
    into columns: UnsafeMutablePointer<Number>, step: Int
  ) {
    let images = images + group * groupInputs
    forEachPatchLine(of: rows, step: step) { patch, line, x, place in
      let (target, line) = (columns + patch, images + line)
      switch place {
      case .outside: target.update(repeating: .zero, count: kernel.width * groupInputs)
      case .dense: copy(line + x &* inputs, count: kernel.width * groupInputs, into: target)
      case .pixels:
        for kx in 0..<kernel.width {
          let (column, pixel) = (x + kx * dilation.width, target + kx * groupInputs)
          if column < 0 || column >= input.width {
            pixel.update(repeating: .zero, count: groupInputs)
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
    forEachPatchLine(of: rows, step: patchLength) { patch, line, x, place in
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
    of rows: Range<Int>, step: Int,
    _ body: (_ patch: Int, _ line: Int, _ x: Int, _ place: LinePlace) -> Void
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
          start &+= step
        }
      }
      patch += positions.count * step
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
private func copy<Number: BitwiseCopyable>(
  _ source: UnsafePointer<Number>, count: Int, into target: UnsafeMutablePointer<Number>
) {
  typealias Sixteen = SIMD16<UInt8>
  let size = count &* MemoryLayout<Number>.stride
  guard size >= 16, size <= 128 else { return target.update(from: source, count: count) }
  let (from, to) = (UnsafeRawPointer(source), UnsafeMutableRawPointer(target))
  let last = size &- 16
  var place = 0
  while place < last {
    to.storeBytes(
      of: from.loadUnaligned(fromByteOffset: place, as: Sixteen.self), toByteOffset: place,
      as: Sixteen.self)
    place &+= 16
  }
  // The last sixteen bytes overlap those before.
  to.storeBytes(
    of: from.loadUnaligned(fromByteOffset: last, as: Sixteen.self), toByteOffset: last,
    as: Sixteen.self)
}
