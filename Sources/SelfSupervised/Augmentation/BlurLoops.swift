import Images
import Tensor

/// Blurs an image in place, along the rows and then down the columns.
///
/// A row is blurred along itself when the first output row needs it and kept while another may; the
/// output row can take its place because nobody reads the image's own row again.
struct BlurPass {
  let height: Int
  let width: Int
  let channels: Int
  let taps: [Float]
  let padding: GaussianBlur.Padding

  private var radius: Int { taps.count / 2 }
  private var rowLength: Int { width * channels }
  private var lineLength: Int { (width + 2 * radius) * channels }
  private var slotCount: Int { min(taps.count, height) }

  /// image[height, width, channels] = the image, blurred
  func run(_ image: UnsafeMutablePointer<Float>) {
    let capacity = lineLength + slotCount * rowLength + taps.count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { scratch in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: taps.count) { window in
        guard let line = scratch.baseAddress, let window = window.baseAddress else { return }
        let slots = line + lineLength
        run(
          image, line: line, slots: slots, weights: slots + slotCount * rowLength, window: window)
      }
    }
  }

  /// slots[slotCount, width · channels]: row i, blurred along itself, is in slot i modulo slotCount
  private func run(
    _ image: UnsafeMutablePointer<Float>, line: UnsafeMutablePointer<Float>,
    slots: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>,
    window: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    var next = 0
    for y in 0..<height {
      while next <= min(y + radius, height - 1) {
        blurRow(
          image + next * rowLength, line: line, into: slots + next % slotCount * rowLength,
          window: window)
        next += 1
      }
      var count = 0
      for tap in 0..<taps.count {
        guard let row = source(of: y + tap - radius, length: height) else { continue }
        window[count] = UnsafePointer(slots + row % slotCount * rowLength)
        weights[count] = taps[tap]
        count += 1
      }
      weightedSum(
        of: window, weights: weights, count: count, into: image + y * rowLength, length: rowLength)
    }
  }

  /// out[width, channels] = row[width, channels], blurred; line[width + 2 · radius, channels] holds
  /// the row with its padding
  private func blurRow(
    _ row: UnsafePointer<Float>, line: UnsafeMutablePointer<Float>,
    into out: UnsafeMutablePointer<Float>, window: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    (line + radius * channels).update(from: row, count: rowLength)
    for offset in 0..<radius {
      pad(line + offset * channels, from: row, at: offset - radius)
      pad(line + (radius + width + offset) * channels, from: row, at: width + offset)
    }
    for tap in 0..<taps.count { window[tap] = UnsafePointer(line + tap * channels) }
    taps.withUnsafeBufferPointer { taps in
      guard let weights = taps.baseAddress else { return }
      weightedSum(of: window, weights: weights, count: taps.count, into: out, length: rowLength)
    }
  }

  /// pixel[channels] = what lies in column `column` of row[width, channels], beyond its border
  private func pad(
    _ pixel: UnsafeMutablePointer<Float>, from row: UnsafePointer<Float>, at column: Int
  ) {
    if let column = source(of: column, length: width) {
      pixel.update(from: row + column * channels, count: channels)
    } else {
      pixel.update(repeating: 0, count: channels)
    }
  }

  /// The position inside a line of `length` that stands for `position`; `nil` for a zero.
  private func source(of position: Int, length: Int) -> Int? {
    if position >= 0 && position < length { return position }
    if padding == .zero { return nil }
    if length == 1 { return 0 }
    let folded = abs(position) % (2 * (length - 1))
    return min(folded, 2 * (length - 1) - folded)
  }
}
