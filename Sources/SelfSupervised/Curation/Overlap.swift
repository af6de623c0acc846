/// What two pictures show at the same places.
struct Overlap {
  /// The width of the first picture, and the channels of both.
  let width: Int
  let channels: Int
  /// The pixels of the first picture that lie on the other one.
  var places: [Int] = []
  /// The colors of both at these places, channel after channel.
  var values: [Float] = []
  var others: [Float] = []

  init(width: Int, channels: Int) { (self.width, self.channels) = (width, channels) }

  /// The same with the pictures in each other's place.
  var swapped: Overlap {
    var swapped = self
    (swapped.values, swapped.others) = (others, values)
    return swapped
  }

  /// How much of the other picture the first does not explain, at the brightness that suits best: in
  /// the grays of pixels or in the colors of blocks, whichever is more. Compression changes the
  /// colors of pixels, but neither of these.
  var difference: Float {
    let blockOf = places.map { $0 / width / Self.side * blockColumns + $0 % width / Self.side }
    return brightnesses.map { brightness in
      var pixels = Sums()
      var blocks = [Block](
        repeating: Block(), count: ((blockOf.max() ?? 0) + 1) * channels)
      for (index, block) in blockOf.enumerated() {
        var (error, gray): (Float, Float) = (0, 0)
        for channel in 0..<channels {
          let value = others[index * channels + channel]
          let left = value - brightness(values[index * channels + channel])
          error += left
          gray += value
          blocks[block * channels + channel].add(left, value)
        }
        pixels.add(error, gray)
      }
      return max(
        pixels.share(noise: Self.noise * Float(channels)), Self.share(of: blocks, channels))
    }.min() ?? 1
  }

  private var blockColumns: Int { (width + Self.side - 1) / Self.side }

  /// The height and width of a block.
  private static let side = 4
  /// A deviation that is noise.
  static let noise: Float = 0.01

  /// Of blocks of which more than half lies on the other picture, channel after channel.
  private static func share(of blocks: [Block], _ channels: Int) -> Float {
    var all = [Sums](repeating: Sums(), count: channels)
    var count = 0
    for (index, block) in blocks.enumerated() where 2 * block.count > side * side {
      let size = Float(block.count)
      all[index % channels].add(block.error / size, block.value / size)
      count += 1
    }
    // The variance within channels: a colored background says nothing of what is in front of it.
    let errors = all.reduce(0) { $0 + $1.errors }
    let variance = all.reduce(0) { $0 + $1.variance }
    return (errors / (variance + noise * noise * Float(max(1, count)))).squareRoot()
  }

  private struct Block {
    var error: Float = 0
    var value: Float = 0
    var count = 0

    mutating func add(_ error: Float, _ value: Float) {
      self.error += error
      self.value += value
      count += 1
    }
  }

  /// Sums of errors and of what they are errors of.
  private struct Sums {
    var errors: Float = 0
    private var squares: Float = 0
    private var sum: Float = 0
    private var count: Float = 0

    mutating func add(_ error: Float, _ value: Float) {
      errors += error * error
      squares += value * value
      sum += value
      count += 1
    }

    /// Count times the variance.
    var variance: Float { count > 0 ? max(0, squares - sum * sum / count) : 0 }

    func share(noise: Float) -> Float {
      (errors / (variance + noise * noise * max(1, count))).squareRoot()
    }
  }
}

// MARK: - Brightness

extension Overlap {
  /// How bright the other picture is, given the first: that times a gain, or that and an offset. Both
  /// at once would make pictures of each other that a person tells apart.
  private struct Brightness {
    let gain: Float
    let offset: Float

    func callAsFunction(_ value: Float) -> Float { min(max(gain * value + offset, 0), 1) }
  }

  /// Changes that leave a picture recognizable.
  private static let gains: ClosedRange<Float> = 0.6...1.7

  /// The gain and the offset of most values, but for those at the ends of the scale.
  ///
  /// Medians, as pixels beside those that were cut off are changed too.
  private var brightnesses: [Brightness] {
    let pairs = zip(values, others).filter { Self.isInside($0) && Self.isInside($1) }
    let used = pairs.count * 5 > values.count ? pairs : Array(zip(values, others))
    let gain = Self.median(used.filter { $0.0 > 0.1 }.map { $0.1 / $0.0 }) ?? 1
    return [
      Brightness(gain: min(max(gain, Self.gains.lowerBound), Self.gains.upperBound), offset: 0),
      Brightness(gain: 1, offset: Self.median(used.map { $0.1 - $0.0 }) ?? 0),
    ]
  }

  private static func isInside(_ value: Float) -> Bool { value > 0.03 && value < 0.97 }

  private static func median(_ values: [Float]) -> Float? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
