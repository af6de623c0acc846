// Winograd's F(4x4, 3x3) and, for stride 2, F(4x4, 2x2) (Lavin and Gray, 2016): a tile of inputs d and a
// kernel g give 4x4 outputs Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Each function of a scheme is one of the matrices,
// applied to a line of vectors of channels; along both axes it is the transform.

/// As many channels as one step handles.
typealias Lanes = SIMD8<Float>

/// Up to six vectors, of neighbouring points, pixels or taps; the rest are zeros.
typealias Line = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

/// A line of the `count` vectors that `value` gives.
@inline(__always)
func makeLine(of count: Int, _ value: (Int) -> Lanes) -> Line {
  (
    value(0), count > 1 ? value(1) : .zero, count > 2 ? value(2) : .zero,
    count > 3 ? value(3) : .zero, count > 4 ? value(4) : .zero, count > 5 ? value(5) : .zero
  )
}

/// Calls `body` with the first `count` vectors of a line.
@inline(__always)
func forEach(_ count: Int, of line: Line, _ body: (Int, Lanes) -> Void) {
  body(0, line.0)
  if count > 1 { body(1, line.1) }
  if count > 2 { body(2, line.2) }
  if count > 3 { body(3, line.3) }
  if count > 4 { body(4, line.4) }
  if count > 5 { body(5, line.5) }
}

/// How a 3x3 convolution of one stride becomes products of transformed numbers.
///
/// The pixels of a tile are told apart by their distance from its corner modulo the stride: such a
/// phase meets each `stride`-th tap of the kernel, a convolution of stride 1 of its own. The products of
/// all phases are added up before they are transformed back. One axis is described; both are alike.
protocol WinogradScheme: Sendable {
  /// The stride, and how many phases there are.
  static var stride: Int { get }

  /// How many points polynomials are evaluated at, infinity being the last.
  static var points: Int { get }

  /// Bᵀ, from the pixels of a phase to the points.
  static func input(_ pixels: Line) -> Line

  /// B, the transpose of `input`.
  static func inputGradient(_ points: Line) -> Line

  /// Aᵀ, from the products at the points to four outputs.
  static func output(_ products: Line) -> Line

  /// A, the transpose of `output`.
  static func outputGradient(_ outputs: Line) -> Line

  /// G, from the taps of a phase to the points.
  static func kernel(_ taps: Line) -> Line

  /// Gᵀ, the transpose of `kernel`.
  static func kernelGradient(_ points: Line) -> Line
}

extension WinogradScheme {
  /// The pixels of a tile that the outputs depend on.
  static var reach: Int { 3 * stride + 3 }

  /// The points that a phase is not zero at, which are also its pixels: at infinity there is nothing of
  /// a phase with but one tap.
  @inline(__always)
  static func points(of phase: Int) -> Int { points - phase }

  /// How many phases are not zero at a point.
  @inline(__always)
  static func phases(at point: Int) -> Int { point == points - 1 ? 1 : stride }

  /// How many of the kernel's three taps a phase meets.
  @inline(__always)
  static func taps(of phase: Int) -> Int { (2 + stride - phase) / stride }

  /// The place of a plane's first channel among those of all planes, in multiples of the channels: planes
  /// lie row by row, and have the channels of each phase that is not zero there.
  @inline(__always)
  static func start(_ row: Int, _ column: Int) -> Int {
    row * stride * ((points - 1) * stride + 1) + column * stride * phases(at: row)
  }

  /// The multiplications of a tile for each input and output channel.
  static var products: Int { start(points - 1, points - 1) + 1 }

  /// The planes of products.
  static var planes: Int { points * points }
}

/// F(4, 3): 36 multiplications instead of 144, at the points 0, 1, -1, 2, -2 and infinity.
enum UnitStrideScheme: WinogradScheme {
  static var stride: Int { 1 }
  static var points: Int { 6 }

  @inline(__always)
  static func input(_ d: Line) -> Line {
    let even = d.4 - 4 * d.2
    let odd = d.3 - 4 * d.1
    let wide = d.4 - d.2
    let step = 2 * (d.3 - d.1)
    return (
      4 * d.0 - 5 * d.2 + d.4, even + odd, even - odd, wide + step, wide - step,
      4 * d.1 - 5 * d.3 + d.5
    )
  }

  @inline(__always)
  static func inputGradient(_ v: Line) -> Line {
    let (sum1, difference1) = (v.1 + v.2, v.1 - v.2)
    let (sum2, difference2) = (v.3 + v.4, v.3 - v.4)
    return (
      4 * v.0, 4 * (v.5 - difference1) - 2 * difference2, -5 * v.0 - 4 * sum1 - sum2,
      difference1 + 2 * difference2 - 5 * v.5, v.0 + sum1 + sum2, v.5
    )
  }

  @inline(__always)
  static func output(_ m: Line) -> Line {
    let (sum1, difference1) = (m.1 + m.2, m.1 - m.2)
    let (sum2, difference2) = (m.3 + m.4, m.3 - m.4)
    return (
      m.0 + sum1 + sum2, difference1 + 2 * difference2, sum1 + 4 * sum2,
      difference1 + 8 * difference2 + m.5, .zero, .zero
    )
  }

  @inline(__always)
  static func outputGradient(_ y: Line) -> Line {
    let (even, odd) = (y.0 + y.2, y.1 + y.3)
    let (wideEven, wideOdd) = (y.0 + 4 * y.2, 2 * y.1 + 8 * y.3)
    return (y.0, even + odd, even - odd, wideEven + wideOdd, wideEven - wideOdd, y.3)
  }

  @inline(__always)
  static func kernel(_ g: Line) -> Line {
    let sixth: Float = 1 / 6
    let even = -sixth * (g.0 + g.2)
    let odd = -sixth * g.1
    let wideEven = sixth * (0.25 * g.0 + g.2)
    let wideOdd = 0.5 * sixth * g.1
    return (0.25 * g.0, even + odd, even - odd, wideEven + wideOdd, wideEven - wideOdd, g.2)
  }

  @inline(__always)
  static func kernelGradient(_ u: Line) -> Line {
    let sixth: Float = 1 / 6
    let (sum1, difference1) = (u.1 + u.2, u.1 - u.2)
    let (sum2, difference2) = (u.3 + u.4, u.3 - u.4)
    return (
      0.25 * u.0 - sixth * sum1 + 0.25 * sixth * sum2,
      -sixth * difference1 + 0.5 * sixth * difference2,
      -sixth * sum1 + sixth * sum2 + u.5, .zero, .zero, .zero
    )
  }
}

/// F(4, 2) for the pixels that meet the first and the last tap, and the middle tap by itself for those
/// between: 81 multiplications instead of 144, at the points 0, 1, -1, 2 and infinity.
enum StrideTwoScheme: WinogradScheme {
  static var stride: Int { 2 }
  static var points: Int { 5 }

  @inline(__always)
  static func input(_ d: Line) -> Line {
    let (step, near) = (d.3 - d.1, d.3 - d.2)
    return (
      step + 2 * (d.0 - d.2), near - 2 * d.1, near + 2 * (d.1 - d.2), step, d.4 - d.2 - 2 * step,
      .zero
    )
  }

  @inline(__always)
  static func inputGradient(_ v: Line) -> Line {
    let wide = 2 * v.4
    return (
      2 * v.0, 2 * (v.2 - v.1) - v.0 - v.3 + wide, -2 * v.0 - v.1 - 3 * v.2 - v.4,
      v.0 + v.1 + v.2 + v.3 - wide, v.4, .zero
    )
  }

  @inline(__always)
  static func output(_ m: Line) -> Line {
    let (sum, difference) = (m.1 + m.2, m.1 - m.2)
    return (
      m.0 + sum + m.3, difference + 2 * m.3, sum + 4 * m.3, difference + 8 * m.3 + m.4, .zero, .zero
    )
  }

  @inline(__always)
  static func outputGradient(_ y: Line) -> Line {
    let (even, odd) = (y.0 + y.2, y.1 + y.3)
    return (y.0, even + odd, even - odd, y.0 + 4 * y.2 + 2 * y.1 + 8 * y.3, y.3, .zero)
  }

  @inline(__always)
  static func kernel(_ g: Line) -> Line {
    let sixth: Float = 1 / 6
    return (
      0.5 * g.0, -0.5 * (g.0 + g.1), sixth * (g.1 - g.0), sixth * (g.0 + 2 * g.1), g.1, .zero
    )
  }

  @inline(__always)
  static func kernelGradient(_ u: Line) -> Line {
    let sixth: Float = 1 / 6
    return (
      0.5 * (u.0 - u.1) + sixth * (u.3 - u.2), sixth * (u.2 + 2 * u.3) - 0.5 * u.1 + u.4, .zero,
      .zero, .zero, .zero
    )
  }
}
