/// Sizes at which kernels divide their work.
///
/// Those of products decide in what order sums are added up, and so the last bits of results.
/// Figures without another note are of one thread of a Zen 4 with OpenBLAS's SkylakeX kernels.
enum Tuning {
  // MARK: Threads

  /// The elements of a loop below which a second thread costs more than it brings; two cores of a
  /// Zen 4.
  static let parallelGrain = 1 << 15
  /// The multiplications below which a product stays on one thread; two cores of a Zen 4.
  static let parallelProduct = 1 << 20
  /// The outputs whose weight gradients one thread computes at full speed.
  static let fewestOutputs = 128

  // MARK: Memory

  /// The numbers from which a normalization's result that has been written is computed again for the
  /// reverse pass rather than kept.
  static let leastRecomputed = 1 << 20

  // MARK: Attention

  /// The attention weights of some queries of a head that are computed at a time: 256 KB, and as much
  /// again for their gradient, which the second-level cache holds.
  static let attentionWeights = 1 << 16

  // MARK: Convolutions

  /// The channels that a group has at least where groups are computed together: a vector of AVX-512.
  static let fewestChannelsOfGroup = 16
  /// The numbers of pixels or of results in a band of rows: 64 KB of the second-level cache.
  static let numbersOfBand = 1 << 14

  // MARK: Products of float32

  /// The columns of a panel: as many as the kernels need for full speed.
  static let panelWidth = 64
  /// The rows that are multiplied by all panels before the next ones: with the terms of a sum, a
  /// tenth of a megabyte, which the second-level cache holds.
  static let blockRows = 192
  /// The terms of a partial sum. Short ones have smaller errors, and those of Winograd's products
  /// are enlarged by the transforms.
  static let longestSum = 128
  /// The numbers from a row to the next from which columns of AVX2's one line at a time displace
  /// each other from the first-level cache: 256 rows, 256 -> 1,024, 92 instead of OpenBLAS's 131
  /// GFLOP/s, on a Zen 5. The 64 columns of AVX-512 do not: 256 and 247.
  static let farRows = 1024
  /// The rows up to which a right operand is read where it is.
  static let mostRows = 256
  /// The same for a transposed right operand, in strips of some of them: 64 rows, 4,096 -> 256, 88
  /// instead of 69 GFLOP/s, but 128 rows 64 instead of 80.
  static let mostRowsOfStrips = 64
  static let stripWidth = 16
  static let stripTerms = 256
  /// The smallest side up to which both operands are read where they are for a transposed left one.
  static let mostOfTransposed = 256

  // MARK: Products of bfloat16

  /// The channels from which Winograd's numbers have 16 bits: for fewer, packing and short sums cost
  /// more than the products save. On two cores of a Zen 5, 32 channels took 1.1 to 1.6 times as long
  /// as in floats, 64 0.7 to 1.2 times (`benchmark convolution --net resnet10 --precision
  /// bfloat16`).
  static let fewestRoundedChannels = 64
  /// The terms of a partial sum: 1 KB for each row and column, of which the second-level cache
  /// holds about a thousand.
  static let longestSumOfBFloat16 = 512
  /// The columns of a transposed left operand in a panel.
  static let panelHeight = 48
}
