/// What batch and group normalisation have in common: values x[samples, rows, channels], whose
/// statistics are taken over the rows and the channels of a group, for each sample.
///
/// Batch norm is one sample of all rows with a group for each channel; group norm has a sample for
/// each image.
struct NormalizationGeometry: Sendable {
  let samples: Int
  let rows: Int
  let channels: Int
  let groups: Int

  /// The values that one mean is over.
  var groupCount: Int { rows * (channels / groups) }

  /// Splits each sample's rows into parts: fixed by the sizes alone, so that sums are repeatable,
  /// and of at most 1,024 rows, so that they keep their digits.
  var partsPerSample: Int {
    max(1, rows / 512, min(16, rows, rows * channels / parallelGrain))
  }

  /// Calls `body` with a sample, a part of its rows and the part's number, on all threads.
  func forEachPart(_ body: (_ sample: Int, _ rows: Range<Int>, _ part: Int) -> Void) {
    let parts = partsPerSample
    let grain = samples * rows * channels < parallelGrain ? samples * parts : 1
    Parallel.forRanges(samples * parts, grain: grain) { range in
      for index in range {
        let (sample, part) = (index / parts, index % parts)
        body(sample, (rows * part / parts)..<(rows * (part + 1) / parts), index)
      }
    }
  }

  /// The sums over the parts of a sample of each channel's entry: totals[sample, channel].
  func totals(_ partial: [Float]) -> [Double] {
    var totals = [Double](repeating: 0, count: samples * channels)
    for index in 0..<samples * partsPerSample {
      let sample = index / partsPerSample
      for channel in 0..<channels {
        totals[sample * channels + channel] += Double(partial[index * channels + channel])
      }
    }
    return totals
  }
}

/// The mean and the biased variance of every group: [samples, groups] each.
func groupStatistics(_ x: Tensor, _ geometry: NormalizationGeometry) -> (
  mean: [Double], variance: [Double]
) {
  defer { extendLifetime(x.storage) }
  let (source, channels) = (x.pointer, geometry.channels)
  let size = geometry.samples * geometry.partsPerSample * channels
  var squares = [Float](repeating: 0, count: size)
  // Sums of distances from each sample's first row: squares of values far from zero would cancel.
  let sums = [Float](unsafeUninitializedCapacity: size) { sums, count in
    squares.withUnsafeMutableBufferPointer { squares in
      guard let sums = sums.baseAddress, let squares = squares.baseAddress else { return }
      geometry.forEachPart { sample, rows, part in
        let values = source + sample * geometry.rows * channels
        let (sum, square) = (sums + part * channels, squares + part * channels)
        sum.update(repeating: 0, count: channels)
        for row in rows {
          let line = values + row * channels
          for channel in 0..<channels {
            let distance = line[channel] - values[channel]
            sum[channel] += distance
            square[channel] += distance * distance
          }
        }
      }
    }
    count = size
  }
  return combine(
    geometry.totals(sums), geometry.totals(squares), shift: source, geometry)
}

/// Channel sums about a shift to means and variances of groups, by Chan's rule.
private func combine(
  _ sums: [Double], _ squares: [Double], shift: UnsafePointer<Float>,
  _ geometry: NormalizationGeometry
) -> (mean: [Double], variance: [Double]) {
  let width = geometry.channels / geometry.groups
  let rows = Double(geometry.rows)
  var means: [Double] = []
  var variances: [Double] = []
  for sample in 0..<geometry.samples {
    for group in 0..<geometry.groups {
      let range = (group * width)..<(group + 1) * width
      let channelMeans = range.map { channel in
        Double(shift[sample * geometry.rows * geometry.channels + channel])
          + sums[sample * geometry.channels + channel] / rows
      }
      let mean = channelMeans.reduce(0, +) / Double(width)
      let deviations = zip(range, channelMeans).reduce(0.0) { total, entry in
        let index = sample * geometry.channels + entry.0
        let within = squares[index] - sums[index] * sums[index] / rows
        return total + max(0, within) + rows * (entry.1 - mean) * (entry.1 - mean)
      }
      means.append(mean)
      variances.append(deviations / Double(geometry.groupCount))
    }
  }
  return (means, variances)
}

/// out = activation(x · factor[sample, channel] + offset[sample, channel] + residual)
func affine(
  _ x: Tensor, factor: [Float], offset: [Float], residual: Tensor?, activation: Activation,
  _ geometry: NormalizationGeometry
) -> Tensor {
  defer { extendLifetime((x.storage, residual?.storage)) }
  let (source, added, channels) = (x.pointer, residual?.pointer, geometry.channels)
  return Tensor(x.shape) { out in
    factor.withUnsafeBufferPointer { factor in
      offset.withUnsafeBufferPointer { offset in
        guard let factor = factor.baseAddress, let offset = offset.baseAddress else { return }
        geometry.forEachPart { sample, rows, _ in
          let start = (sample * geometry.rows + rows.lowerBound) * channels
          let loop = AffineLoop(
            x: source + start, residual: (added ?? source) + start, out: out + start,
            factor: factor + sample * channels, offset: offset + sample * channels,
            rows: rows.count, channels: channels)
          // The functions are named here, inside what each thread runs: see `mapped`.
          switch (activation, added != nil) {
          case (.identity, false): loop.each { value, _ in value }
          case (.relu, false): loop.each { value, _ in value > 0 ? value : 0 }
          case (.identity, true): loop.each(+)
          case (.relu, true): loop.each { $0 + $1 > 0 ? $0 + $1 : 0 }
          }
        }
      }
    }
  }
}

private struct AffineLoop {
  let x: UnsafePointer<Float>
  let residual: UnsafePointer<Float>
  let out: UnsafeMutablePointer<Float>
  let factor: UnsafePointer<Float>
  let offset: UnsafePointer<Float>
  let rows: Int
  let channels: Int

  @inline(__always)
  func each(_ finish: (Float, Float) -> Float) {
    for row in 0..<rows {
      let start = row * channels
      let (value, added, result) = (x + start, residual + start, out + start)
      for channel in 0..<channels {
        result[channel] = finish(value[channel] * factor[channel] + offset[channel], added[channel])
      }
    }
  }
}

/// For each sample and channel, Σ g and Σ g · (x - centre), where g is the gradient where the
/// activation let the value through.
func gradientSums(
  _ gradient: Tensor, _ x: Tensor, centre: [Float], output: Tensor?,
  _ geometry: NormalizationGeometry
) -> (gradients: [Double], products: [Double]) {
  defer { extendLifetime((gradient.storage, x.storage, output?.storage)) }
  let (dy, source, y, channels) = (
    gradient.pointer, x.pointer, output?.pointer, geometry.channels
  )
  let size = geometry.samples * geometry.partsPerSample * channels
  var products = [Float](repeating: 0, count: size)
  let sums = [Float](unsafeUninitializedCapacity: size) { sums, count in
    products.withUnsafeMutableBufferPointer { products in
      centre.withUnsafeBufferPointer { centre in
        guard let sums = sums.baseAddress, let products = products.baseAddress,
          let centre = centre.baseAddress
        else { return }
        geometry.forEachPart { sample, rows, part in
          (sums + part * channels).update(repeating: 0, count: channels)
          let start = (sample * geometry.rows + rows.lowerBound) * channels
          let loop = GradientSumLoop(
            gradient: dy + start, value: source + start, output: (y ?? source) + start,
            centre: centre + sample * channels, sum: sums + part * channels,
            product: products + part * channels, rows: rows.count, channels: channels)
          if y == nil { loop.each { gradient, _ in gradient } } else { loop.each(throughReLU) }
        }
      }
    }
    count = size
  }
  return (geometry.totals(sums), geometry.totals(products))
}

@inline(__always)
private func throughReLU(_ gradient: Float, _ output: Float) -> Float { output > 0 ? gradient : 0 }

private struct GradientSumLoop {
  let gradient: UnsafePointer<Float>
  let value: UnsafePointer<Float>
  let output: UnsafePointer<Float>
  let centre: UnsafePointer<Float>
  let sum: UnsafeMutablePointer<Float>
  let product: UnsafeMutablePointer<Float>
  let rows: Int
  let channels: Int

  @inline(__always)
  func each(_ through: (Float, Float) -> Float) {
    for row in 0..<rows {
      let start = row * channels
      let (g, x, y) = (gradient + start, value + start, output + start)
      // Two loops: with more pointers in one, the compiler gives up on vectors.
      for channel in 0..<channels { sum[channel] += through(g[channel], y[channel]) }
      for channel in 0..<channels {
        product[channel] += through(g[channel], y[channel]) * (x[channel] - centre[channel])
      }
    }
  }
}

/// The three coefficients of an input gradient, for each sample and channel.
struct GradientCoefficients {
  var ofGradient: [Float]
  var ofValue: [Float]
  var constant: [Float]
}

/// dx = a · g + b · x + c, and g itself where a residual wants it.
func inputGradient(
  _ gradient: Tensor, _ x: Tensor, output: Tensor?, _ coefficients: GradientCoefficients,
  keepsGradient: Bool, _ geometry: NormalizationGeometry
) -> (input: Tensor, residual: Tensor?) {
  defer { extendLifetime((gradient.storage, x.storage, output?.storage)) }
  let (dy, source, y, channels) = (
    gradient.pointer, x.pointer, output?.pointer, geometry.channels
  )
  let input = Tensor(x.shape) { out in
    coefficients.ofGradient.withUnsafeBufferPointer { a in
      coefficients.ofValue.withUnsafeBufferPointer { b in
        coefficients.constant.withUnsafeBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          geometry.forEachPart { sample, rows, _ in
            let start = (sample * geometry.rows + rows.lowerBound) * channels
            let begin = sample * channels
            let loop = InputGradientLoop(
              gradient: dy + start, value: source + start, output: (y ?? source) + start,
              a: a + begin, b: b + begin, c: c + begin, out: out + start, rows: rows.count,
              channels: channels)
            if y == nil { loop.each { gradient, _ in gradient } } else { loop.each(throughReLU) }
          }
        }
      }
    }
  }
  guard keepsGradient else { return (input, nil) }
  return (input, output.map { zipped(gradient, $0) { $0.each(throughReLU) } } ?? gradient)
}

private struct InputGradientLoop {
  let gradient: UnsafePointer<Float>
  let value: UnsafePointer<Float>
  let output: UnsafePointer<Float>
  let a: UnsafePointer<Float>
  let b: UnsafePointer<Float>
  let c: UnsafePointer<Float>
  let out: UnsafeMutablePointer<Float>
  let rows: Int
  let channels: Int

  @inline(__always)
  func each(_ through: (Float, Float) -> Float) {
    for row in 0..<rows {
      let start = row * channels
      let (g, x, y, result) = (gradient + start, value + start, output + start, out + start)
      for channel in 0..<channels {
        result[channel] =
          a[channel] * through(g[channel], y[channel]) + b[channel] * x[channel] + c[channel]
      }
    }
  }
}
