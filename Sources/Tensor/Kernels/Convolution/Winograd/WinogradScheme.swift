internal import CTensorKernels

/// How a 3x3 convolution of one stride becomes products of transformed numbers (Lavin and Gray, 2016): a
/// tile of inputs d and a kernel g give `extent` x `extent` outputs Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A.
///
/// The pixels of a tile are told apart by their distance from its corner modulo the stride: such a
/// phase meets each `stride`-th tap of the kernel, a convolution of stride 1 of its own. The products of
/// all phases are added up before they are transformed back. One axis is described; both are alike.
struct WinogradScheme: Sendable {
  /// The matrices, applied along both axes.
  let transforms: WinogradTransforms

  var stride: Int { transforms.stride }
  /// The outputs of a tile.
  var extent: Int { transforms.extent }

  /// F(3, 3): 25 multiplications instead of 81.
  static let ofThree = WinogradScheme(transforms: tensorWinograd3)
  /// F(4, 3): 36 instead of 144.
  static let ofFour = WinogradScheme(transforms: tensorWinograd4)
  /// F(5, 3): 49 instead of 225.
  static let ofFive = WinogradScheme(transforms: tensorWinograd5)
  /// F(6, 3): 64 instead of 324, and errors three times as large as F(4, 3)'s.
  static let ofSix = WinogradScheme(transforms: tensorWinograd6)

  // At stride 2, F(m, 2) for the pixels that meet the first and the last tap, and the middle tap by itself
  // for those between.

  /// 49 multiplications instead of 81.
  static let strideTwoOfThree = WinogradScheme(transforms: tensorWinogradStrided3)
  /// 81 instead of 144.
  static let strideTwoOfFour = WinogradScheme(transforms: tensorWinogradStrided4)
}

extension WinogradScheme {
  /// Whether two schemes are the same one.
  func hasShape(of other: WinogradScheme) -> Bool {
    stride == other.stride && extent == other.extent
  }

  /// How many points polynomials are evaluated at, infinity being the last: one less than the outputs
  /// and the taps of the first phase.
  var points: Int { extent + (2 + stride) / stride - 1 }

  /// How many phases are not zero at a point: at infinity there is nothing of a phase with but one tap.
  func phases(at point: Int) -> Int { point == points - 1 ? 1 : stride }

  /// The place of a plane's first channel among those of all planes, in multiples of the channels: planes
  /// lie row by row, and have the channels of each phase that is not zero there.
  func start(_ row: Int, _ column: Int) -> Int {
    row * stride * ((points - 1) * stride + 1) + column * stride * phases(at: row)
  }

  /// The multiplications of a tile for each input and output channel.
  var products: Int { start(points - 1, points - 1) + 1 }

  /// The planes of products.
  var planes: Int { points * points }

  /// The numbers of all planes, if those of a plane are so many for each of its phases.
  func elementCount(_ size: Int) -> Int { products * size + planes * WinogradGap }
}
