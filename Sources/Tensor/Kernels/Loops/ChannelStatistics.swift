internal import CTensorKernels

/// The mean and the biased variance of every group: [samples, groups] each.
func groupStatistics(_ x: Tensor, _ geometry: NormalizationGeometry) -> (
  mean: [Double], variance: [Double]
) {
  defer { extendLifetime(x.storage) }
  let (source, channels) = (x.pointer, geometry.channels)
  // Sums of distances from each sample's first row: squares of values far from zero would cancel.
  let (sums, squares) = geometry.sums { sample, rows, sums, squares in
    let values = source + sample * geometry.rows * channels
    ctk_channel_sums(
      values + rows.lowerBound * channels, values, rows.count, channels, sums, squares)
  }
  return combine(sums, squares, shift: source, geometry)
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
    return Double(shift[sample * geometry.rows * geometry.channels + channel]) + sums[index] / rows
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

/// One number for each channel of each sample: x · factor + offset.
struct ChannelAffine: Sendable {
  var factor: [Float]
  var offset: [Float]

  /// Calls `body` with the numbers of a sample.
  fileprivate func withSample<Result>(
    _ sample: Int, _ geometry: NormalizationGeometry, _ body: (CTKAffine) -> Result
  ) -> Result {
    factor.withUnsafeBufferPointer { factor in
      offset.withUnsafeBufferPointer { offset in
        let begin = sample * geometry.channels
        return body(
          CTKAffine(
            factor: factor.baseAddress.map { $0 + begin },
            offset: offset.baseAddress.map { $0 + begin }))
      }
    }
  }
}

/// activation(x · factor[sample, channel] + offset[sample, channel] + residual)
func affine(
  _ x: Tensor, _ affine: ChannelAffine, residual: Tensor?, activation: Activation,
  _ geometry: NormalizationGeometry
) -> Tensor {
  defer { extendLifetime((x.storage, residual?.storage)) }
  let (source, added, channels) = (x.pointer, residual?.pointer, geometry.channels)
  return Tensor(x.shape) { out in
    geometry.forEachPart { sample, rows, _ in
      let start = (sample * geometry.rows + rows.lowerBound) * channels
      affine.withSample(sample, geometry) { numbers in
        ctk_apply_affine(
          source + start, added.map { $0 + start }, numbers, activation == .relu,
          geometry.isNonTemporal, rows.count, channels, out + start)
      }
    }
  }
}

/// The gradient of a normalisation's result, and what it came through: g is this gradient where the
/// activation let the value through.
struct NormalizedGradient {
  let gradient: Tensor
  let input: Tensor
  let affine: ChannelAffine
  let activation: Activation
  /// The result, if it cannot be told from the input and the affine map what the activation let through.
  let output: Tensor?

  private var gate: CTKGate {
    switch activation {
    case .identity: CTKGateOpen
    case .relu: output == nil ? CTKGateByInput : CTKGateByOutput
    }
  }

  /// For each sample and channel, Σ g and Σ g · (x - centre).
  func sums(about centre: [Float], _ geometry: NormalizationGeometry) -> (
    ofGradients: [Double], ofProducts: [Double]
  ) {
    centre.withUnsafeBufferPointer { centre in
      guard let centre = centre.baseAddress else { return ([], []) }
      let sums = geometry.sums { sample, rows, sums, products in
        withPart(sample, rows, geometry) { part in
          ctk_gradient_sums(
            part, centre + sample * geometry.channels, rows.count, geometry.channels, sums,
            products)
        }
      }
      return (sums.first, sums.second)
    }
  }

  /// dx = a · g + b · x + c, and g itself where a residual wants it.
  func inputGradient(
    _ coefficients: GradientCoefficients, keepsGradient: Bool, _ geometry: NormalizationGeometry
  ) -> (input: Tensor, residual: Tensor?) {
    // Without an activation g is the gradient as it came.
    let residual =
      keepsGradient && activation != .identity ? Storage(elementCount: gradient.elementCount) : nil
    let passed = residual?.pointer
    let result = Tensor(input.shape) { out in
      coefficients.withUnsafePointers { a, b, c in
        geometry.forEachPart { sample, rows, _ in
          let start = (sample * geometry.rows + rows.lowerBound) * geometry.channels
          let begin = sample * geometry.channels
          withPart(sample, rows, geometry) { part in
            ctk_input_gradients(
              part, a + begin, b + begin, c + begin, geometry.isNonTemporal, rows.count,
              geometry.channels, out + start, passed.map { $0 + start })
          }
        }
      }
    }
    guard keepsGradient else { return (result, nil) }
    return (result, residual.map { Tensor(storage: $0, shape: gradient.shape) } ?? gradient)
  }

  private func withPart(
    _ sample: Int, _ rows: Range<Int>, _ geometry: NormalizationGeometry,
    _ body: (CTKNormalized) -> Void
  ) {
    let start = (sample * geometry.rows + rows.lowerBound) * geometry.channels
    affine.withSample(sample, geometry) { numbers in
      body(
        CTKNormalized(
          gradient: gradient.pointer + start, input: input.pointer + start,
          output: output.map { $0.pointer + start }, affine: numbers, gate: gate))
    }
    extendLifetime((gradient.storage, input.storage, output?.storage))
  }
}

/// The three coefficients of an input gradient, for each sample and channel.
struct GradientCoefficients {
  var ofGradient: [Float]
  var ofValue: [Float]
  var constant: [Float]

  fileprivate func withUnsafePointers(
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> Void
  ) {
    ofGradient.withUnsafeBufferPointer { a in
      ofValue.withUnsafeBufferPointer { b in
        constant.withUnsafeBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          body(a, b, c)
        }
      }
    }
  }
}
