internal import CTensorKernels

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

  // MARK: Convolutions

  /// The channels that a group has at least where groups are computed together: a vector of AVX-512.
  static let fewestChannelsOfGroup = 16
  /// The numbers of pixels or of results in a band of rows: 64 KB of the second-level cache.
  static let numbersOfBand = 1 << 14

  // MARK: Products of float32

  /// The most multiplications of a product that OpenBLAS's AVX-512 kernels compute without packing.
  static let smallProduct = 1_000_000
  /// The columns of a panel: as many as products without packing need for full speed.
  static let panelWidth = Int(CTKBFloat16PanelWidth)
  /// The rows of a transposed right operand in a strip.
  static let stripWidth = 16
  /// The terms of a partial sum, so that blocks have enough rows.
  static let longestSum = 256
  /// The same for Winograd's products, because the transforms enlarge the errors of sums.
  static let longestSumOfTransformed = 128
  /// The rows up to which blocks are faster than one product; more rows would read the right
  /// operand too often.
  static let mostRows = 256
  /// The same for a transposed right operand: 64 rows, 4,096 -> 256, 88 instead of 69 GFLOP/s, but
  /// 128 rows 64 instead of 80.
  static let mostRowsOfStrips = 64
  /// The smallest side up to which blocks are faster for a transposed left operand: 128·128·113,
  /// 115 instead of 76 GFLOP/s.
  static let mostOfTransposed = 256
  /// The rows of such a block, and the terms of its sums.
  static let transposedBlock = 128

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
