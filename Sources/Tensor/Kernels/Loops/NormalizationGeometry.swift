/// The sizes of batch and group normalisation: values x[samples, rows, channels], with statistics
/// over the rows and the channels of a group, for each sample.
///
/// Batch norm has one sample, or one for each part of the batch, and a group for each channel.
/// Group norm has a sample for each image.
struct NormalizationGeometry: Sendable {
  let samples: Int
  let rows: Int
  let channels: Int
  let groups: Int

  /// The values under one mean.
  var groupCount: Int { rows * groupWidth }

  /// The channels of a group.
  var groupWidth: Int { channels / max(1, groups) }

  /// Whether stores bypass the caches: results of 16 MB or more leave them before they are read.
  var isNonTemporal: Bool { samples * rows * channels >= 4 << 20 }

  /// The parts of each sample's rows. The sizes alone fix them, so that sums are repeatable; a part
  /// has at most 1,024 rows, so that sums keep their digits.
  var partsPerSample: Int {
    max(1, rows / 512, min(16, rows, rows * channels / Tuning.parallelGrain))
  }

  /// Calls `body` with a sample, a part of its rows and the part's number, on all threads.
  func forEachPart(_ body: (_ sample: Int, _ rows: Range<Int>, _ part: Int) -> Void) {
    let parts = partsPerSample
    let all = samples * parts
    let grain = samples * rows * channels < Tuning.parallelGrain ? all : 1
    Parallel.forRanges(all, grain: grain) { range in
      for index in range {
        let (sample, part) = (index / parts, index % parts)
        body(sample, (rows * part / parts)..<(rows * (part + 1) / parts), index)
      }
    }
  }

  /// Calls `body` with the index of each sample's channel, the channel, and the index of its group.
  @inline(__always)
  func forEachChannel(_ body: (_ index: Int, _ channel: Int, _ group: Int) -> Void) {
    for sample in 0..<samples {
      for group in 0..<groups {
        for channel in group * groupWidth..<(group + 1) * groupWidth {
          body(sample * channels + channel, channel, sample * groups + group)
        }
      }
    }
  }

  /// For each channel of each sample, two sums over its rows: `body` adds up those of one part.
  func sums(
    _ body: (
      _ sample: Int, _ rows: Range<Int>, _ first: UnsafeMutablePointer<Float>,
      _ second: UnsafeMutablePointer<Float>
    ) -> Void
  ) -> (first: [Double], second: [Double]) {
    let count = samples * partsPerSample * channels
    let partial = Storage(elementCount: 2 * count)
    let (first, second) = (partial.pointer, partial.pointer + count)
    forEachPart { sample, rows, part in
      body(sample, rows, first + part * channels, second + part * channels)
    }
    defer { extendLifetime(partial) }
    return (totals(first), totals(second))
  }

  /// The sums over the parts of a sample of each channel's entry: totals[sample, channel].
  private func totals(_ partial: UnsafePointer<Float>) -> [Double] {
    let (size, parts) = (samples * channels, partsPerSample)
    return [Double](unsafeUninitializedCapacity: size) { totals, count in
      totals.initialize(repeating: 0)
      guard let totals = totals.baseAddress else { return }
      for index in 0..<samples * parts {
        let (total, part) = (totals + index / parts * channels, partial + index * channels)
        for channel in 0..<channels { total[channel] += Double(part[channel]) }
      }
      count = size
    }
  }
}
