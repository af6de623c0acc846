/// For each output index, the two input indices it lies between and the share of the second.
struct LinearTaps: Sendable {
  var first: [Int] = []
  var second: [Int] = []
  var share: [Float] = []

  /// Pixel centres at half-integers: torch's `align_corners=False`.
  init(input: Int, output: Int) {
    let scale = Float(input) / Float(output)
    for index in 0..<output {
      let position = max(0, (Float(index) + 0.5) * scale - 0.5)
      let below = min(Int(position), input - 1)
      first.append(below)
      second.append(min(below + 1, input - 1))
      share.append(position - Float(below))
    }
  }

  /// The nearest lower pixel: torch's `nearest`.
  init(nearest input: Int, output: Int) {
    let scale = Float(input) / Float(output)
    first = (0..<output).map { min(Int(Float($0) * scale), input - 1) }
    second = first
    share = [Float](repeating: 0, count: output)
  }
}

/// out[n, y, x, c] = the four neighbours of the position in images[n, h, w, c], weighted.
func resampled(_ images: Tensor, _ rows: LinearTaps, _ columns: LinearTaps) -> Tensor {
  defer { extendLifetime(images.storage) }
  let (count, height, width, channels) = images.shape.dimensions4
  let (source, size) = (images.pointer, (rows.first.count, columns.first.count))
  return Tensor([count, size.0, size.1, channels]) { out in
    Parallel.forRanges(
      count * size.0, grain: max(1, Tuning.parallelGrain / 4 / (size.1 * channels + 1))
    ) {
      range in
      for line in range {
        let (image, y) = (line / size.0, line % size.0)
        let top = source + (image * height + rows.first[y]) * width * channels
        let bottom = source + (image * height + rows.second[y]) * width * channels
        let down = rows.share[y]
        for x in 0..<size.1 {
          let (left, right) = (columns.first[x] * channels, columns.second[x] * channels)
          let across = columns.share[x]
          let target = out + (line * size.1 + x) * channels
          for channel in 0..<channels {
            let upper = top[left + channel] * (1 - across) + top[right + channel] * across
            let lower = bottom[left + channel] * (1 - across) + bottom[right + channel] * across
            target[channel] = upper * (1 - down) + lower * down
          }
        }
      }
    }
  }
}

/// The gradient of every output added to its four neighbours, by the same weights.
func resamplingGradient(
  _ gradient: Tensor, _ rows: LinearTaps, _ columns: LinearTaps, into shape: Shape
) -> Tensor {
  defer { extendLifetime(gradient.storage) }
  let (count, height, width, channels) = shape.dimensions4
  let (source, size) = (gradient.pointer, (rows.first.count, columns.first.count))
  return Tensor(shape) { out in
    Parallel.forEach(count) { image in
      let target = out + image * height * width * channels
      target.update(repeating: 0, count: height * width * channels)
      for y in 0..<size.0 {
        let (top, bottom) = (rows.first[y] * width, rows.second[y] * width)
        let down = rows.share[y]
        for x in 0..<size.1 {
          let across = columns.share[x]
          let value = source + ((image * size.0 + y) * size.1 + x) * channels
          let corners = [
            (top + columns.first[x], (1 - down) * (1 - across)),
            (top + columns.second[x], (1 - down) * across),
            (bottom + columns.first[x], down * (1 - across)),
            (bottom + columns.second[x], down * across),
          ]
          for (pixel, weight) in corners where weight != 0 {
            for channel in 0..<channels {
              target[pixel * channels + channel] += value[channel] * weight
            }
          }
        }
      }
    }
  }
}
