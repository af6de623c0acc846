internal import CTensorKernels

/// How a 3x3 convolution of one stride becomes products of transformed numbers (Lavin and Gray,
/// 2016): a tile of inputs d and a kernel g give `extent` x `extent` outputs Aᵀ[(G g Gᵀ) ⊙
/// (Bᵀ d B)]A.
///
/// A phase, the pixels of a tile with one distance from its corner modulo the stride, meets each
/// `stride`-th tap of the kernel: a convolution of stride 1. Products are summed over phases before
/// they are transformed back. One axis is described; both are alike.
struct WinogradScheme: Sendable {
  /// The matrices, applied along both axes.
  let transforms: CTKWinogradScheme

  var stride: Int { transforms.stride }
  /// The outputs of a tile.
  var extent: Int { transforms.extent }
  /// That of transformed numbers and their products.
  var format: NumberFormat { transforms.format == CTKBFloat16 ? .bfloat16 : .float32 }
  /// That of products.
  var precision: MatmulPrecision { format == .bfloat16 ? .bfloat16 : .float32 }

  /// F(3, 3): 25 multiplications instead of 81.
  static let ofThree = WinogradScheme(transforms: ctk_winograd3)
  /// F(4, 3): 36 instead of 144.
  static let ofFour = WinogradScheme(transforms: ctk_winograd4)
  /// F(5, 3): 49 instead of 225.
  static let ofFive = WinogradScheme(transforms: ctk_winograd5)
  /// F(6, 3): 64 instead of 324, and errors three times as large as F(4, 3)'s.
  static let ofSix = WinogradScheme(transforms: ctk_winograd6)

  // In numbers of 16 bits, which take half the time and half the memory. The errors of rounding are
  // two to four times those of direct convolutions; larger tiles would enlarge them more.

  /// F(2, 3): 16 multiplications instead of 36.
  static let roundedTwo = WinogradScheme(transforms: ctk_winograd_rounded2)
  /// F(3, 3): 25 instead of 81.
  static let roundedThree = WinogradScheme(transforms: ctk_winograd_rounded3)
  /// At stride 2, 49 instead of 81.
  static let roundedStrideTwoOfThree = WinogradScheme(transforms: ctk_winograd_rounded_strided3)

  // At stride 2, F(m, 2) for the pixels that meet the first and the last tap; the pixels between
  // meet the middle tap alone.

  /// 49 multiplications instead of 81.
  static let strideTwoOfThree = WinogradScheme(transforms: ctk_winograd_strided3)
  /// 81 instead of 144.
  static let strideTwoOfFour = WinogradScheme(transforms: ctk_winograd_strided4)
}

extension WinogradScheme {
  /// The points along an axis, of which the last is infinity.
  var points: Int { transforms.points }

  /// The points of both axes, each with a plane of its own.
  var planes: Int { points * points }

  /// How many phases along an axis have a number at a point.
  func phases(at point: Int) -> Int { ctk_winograd_phases(stride, points, point) }

  /// The phases in all planes before that of a point.
  func phasesBefore(_ row: Int, _ column: Int) -> Int {
    ctk_winograd_phases_before(stride, points, row, column)
  }

  /// The multiplications of a tile for each input and output channel.
  var products: Int { phasesBefore(points - 1, points - 1) + 1 }

  /// The numbers of all planes, of `size` numbers for each phase of a point.
  func elementCount(_ size: Int) -> Int {
    ctk_winograd_phase_plane(transforms.format, stride, points, points - 1, points - 1, size) + size
  }
}
