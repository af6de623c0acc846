internal import CTensorKernels

/// The mean and the biased variance of every group: [samples, groups] each.
func groupStatistics(_ x: Tensor, _ geometry: NormalizationGeometry) -> (
  mean: [Double], variance: [Double]
) {
  let (source, channels) = (x.numbers, geometry.channels)
  // Sums of distances from each sample's first row, because squares of values far from zero would
  // cancel.
  let first = firstRows(x, geometry)
  let shift = first.pointer
  defer { extendLifetime((x.storage, first)) }
  let (sums, squares) = geometry.sums { sample, rows, sums, squares in
    ctk_channel_sums(
      (source + (sample * geometry.rows + rows.lowerBound) * channels).layout,
      shift + sample * channels, rows.count, channels, sums, squares)
  }
  return combine(sums, squares, shift: shift, geometry)
}

/// The first row of each sample.
private func firstRows(_ x: Tensor, _ geometry: NormalizationGeometry) -> Storage {
  let channels = geometry.channels
  let rows = Storage(elementCount: geometry.samples * channels)
  guard geometry.rows > 0 else { return rows }
  for sample in 0..<geometry.samples {
    let row = x.numbers + sample * geometry.rows * channels
    let target = rows.pointer + sample * channels
    switch x.format {
    case .float32: target.update(from: row.floats, count: channels)
    case .bfloat16: ctk_widen(row.halves, channels, target)
    }
  }
  extendLifetime(x.storage)
  return rows
}

/// Channel sums about a shift to means and variances of groups, by Chan's rule.
private func combine(
  _ sums: [Double], _ squares: [Double], shift: UnsafePointer<Float>,
  _ geometry: NormalizationGeometry
) -> (mean: [Double], variance: [Double]) {
  let count = geometry.samples * geometry.groups
  let (rows, width) = (Double(geometry.rows), Double(geometry.groupWidth))
  var means = [Double](repeating: 0, count: count)
  var variances = means
  func mean(of channel: Int, at index: Int) -> Double {
    let sample = index / geometry.channels
    return Double(shift[sample * geometry.channels + channel]) + sums[index] / rows
  }
  geometry.forEachChannel { index, channel, group in
    means[group] += mean(of: channel, at: index) / width
  }
  geometry.forEachChannel { index, channel, group in
    let distance = mean(of: channel, at: index) - means[group]
    let within = squares[index] - sums[index] * sums[index] / rows
    variances[group] += (max(0, within) + rows * distance * distance) / (rows * width)
  }
  return (means, variances)
}

/// Some numbers for each channel of each sample: [number, sample, channel].
struct ChannelNumbers: Sendable {
  private let values: Tensor

  /// `count` numbers, which `body` computes from the index of each sample's channel, its channel
  /// and its group.
  init(
    _ geometry: NormalizationGeometry, count: Int,
    _ body: (_ index: Int, _ channel: Int, _ group: Int, _ store: (Int, Double) -> Void) -> Void
  ) {
    let size = geometry.samples * geometry.channels
    values = Tensor([count, geometry.samples, geometry.channels]) { out in
      geometry.forEachChannel { index, channel, group in
        body(index, channel, group) { number, value in
          out[number * size + index] = Float(value)
        }
      }
    }
  }

  /// One of the numbers for the channels of a sample; valid while this lives.
  func pointer(_ number: Int, sample: Int = 0) -> UnsafePointer<Float> {
    values.pointer + (number * values.shape[1] + sample) * values.shape[2]
  }

  /// The numbers as the factor and the offset of a sample's channels.
  func affine(sample: Int = 0) -> CTKAffine {
    CTKAffine(factor: pointer(0, sample: sample), offset: pointer(1, sample: sample))
  }
}

/// activation(x · factor + offset + residual), for the factors and offsets of channels, in the
/// format of x.
func affine(
  _ x: Tensor, _ numbers: ChannelNumbers, residual: Tensor?, activation: Activation,
  _ geometry: NormalizationGeometry
) -> Tensor {
  let residual = residual?.inFormat(x.format)
  defer { extendLifetime((x.storage, residual?.storage, numbers)) }
  let (source, added, channels) = (x.numbers, residual?.numbers, geometry.channels)
  return Tensor(x.shape, x.format) { out in
    geometry.forEachPart { sample, rows, _ in
      let start = (sample * geometry.rows + rows.lowerBound) * channels
      ctk_apply_affine(
        (source + start).layout, added.map { ($0 + start).address },
        numbers.affine(sample: sample), activation == .relu, geometry.isNonTemporal, rows.count,
        channels, (out + start).address)
    }
  }
}

/// The gradient of a normalisation's output, with what tells g: the gradient where the activation
/// let values through.
struct NormalizedGradient {
  private let gradient: Tensor
  private let input: Tensor
  private let affine: ChannelNumbers
  private let activation: Activation
  /// The output, needed for the ReLU's mask when a residual was added.
  private let output: Tensor?

  /// A gradient of the output, which becomes one of the input's format.
  init(
    gradient: Tensor, input: Tensor, affine: ChannelNumbers, activation: Activation, output: Tensor?
  ) {
    self.gradient = gradient.inFormat(input.format)
    (self.input, self.affine, self.activation) = (input, affine, activation)
    self.output = output
  }

  /// For each sample and channel, Σ g and Σ g · (x - centre).
  func sums(about centre: ChannelNumbers, _ geometry: NormalizationGeometry) -> (
    ofGradients: [Double], ofProducts: [Double]
  ) {
    defer { extendLifetime((self, centre)) }
    let sums = geometry.sums { sample, rows, sums, products in
      ctk_gradient_sums(
        part(sample, rows, geometry), centre.pointer(0, sample: sample), rows.count,
        geometry.channels, sums, products)
    }
    return (sums.first, sums.second)
  }

  /// dx = a · g + b · x + c for the numbers a, b and c of channels, and g itself where a residual
  /// wants it.
  func inputGradient(
    _ numbers: ChannelNumbers, keepsGradient: Bool, _ geometry: NormalizationGeometry
  ) -> (input: Tensor, residual: Tensor?) {
    defer { extendLifetime((self, numbers)) }
    // Without an activation g is the gradient as it came.
    let residual =
      keepsGradient && activation != .identity
      ? Storage(elementCount: gradient.elementCount, input.format) : nil
    let passed = residual?.numbers
    let result = Tensor(input.shape, input.format) { out in
      geometry.forEachPart { sample, rows, _ in
        let start = (sample * geometry.rows + rows.lowerBound) * geometry.channels
        ctk_input_gradients(
          part(sample, rows, geometry), numbers.pointer(0, sample: sample),
          numbers.pointer(1, sample: sample), numbers.pointer(2, sample: sample),
          geometry.isNonTemporal, rows.count, geometry.channels, (out + start).address,
          passed.map { ($0 + start).address })
      }
    }
    guard keepsGradient else { return (result, nil) }
    return (result, residual.map { Tensor(storage: $0, shape: gradient.shape) } ?? gradient)
  }

  private func part(
    _ sample: Int, _ rows: Range<Int>, _ geometry: NormalizationGeometry
  ) -> CTKNormalized {
    let start = (sample * geometry.rows + rows.lowerBound) * geometry.channels
    let gate =
      switch activation {
      case .identity: CTKGateOpen
      case .relu: output == nil ? CTKGateByInput : CTKGateByOutput
      }
    return CTKNormalized(
      gradient: (gradient.numbers + start).address, input: (input.numbers + start).address,
      output: output.map { ($0.numbers + start).address }, format: input.format.layout,
      affine: affine.affine(sample: sample), gate: gate)
  }
}
