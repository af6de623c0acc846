// Winograd's F(4x4, 3x3) (Lavin and Gray, 2016): a tile of 6x6 inputs d and a kernel g give 4x4
// outputs Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A with 36 products instead of 144. Each of the functions below is
// one of the matrices, applied to a line of vectors of channels; along both axes it is the transform.

/// As many channels as one step handles.
typealias Lanes = SIMD8<Float>

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func store(_ value: Lanes, to pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Lanes.self)
}

/// Six vectors, or the four or three that a shorter line has.
typealias Line = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

enum WinogradMatrix {
  /// Bᵀ, from six inputs to six.
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

  /// B, the transpose of `input`: from six gradients to those of six inputs.
  @inline(__always)
  static func inputGradient(_ v: Line) -> Line {
    let (sum1, difference1) = (v.1 + v.2, v.1 - v.2)
    let (sum2, difference2) = (v.3 + v.4, v.3 - v.4)
    return (
      4 * v.0, 4 * (v.5 - difference1) - 2 * difference2, -5 * v.0 - 4 * sum1 - sum2,
      difference1 + 2 * difference2 - 5 * v.5, v.0 + sum1 + sum2, v.5
    )
  }

  /// Aᵀ, from six products to four outputs.
  @inline(__always)
  static func output(_ m: Line) -> (Lanes, Lanes, Lanes, Lanes) {
    let (sum1, difference1) = (m.1 + m.2, m.1 - m.2)
    let (sum2, difference2) = (m.3 + m.4, m.3 - m.4)
    return (
      m.0 + sum1 + sum2, difference1 + 2 * difference2, sum1 + 4 * sum2,
      difference1 + 8 * difference2 + m.5
    )
  }

  /// A, the transpose of `output`: from four output gradients to six of the products.
  @inline(__always)
  static func outputGradient(_ y: (Lanes, Lanes, Lanes, Lanes)) -> Line {
    let (even, odd) = (y.0 + y.2, y.1 + y.3)
    let (wideEven, wideOdd) = (y.0 + 4 * y.2, 2 * y.1 + 8 * y.3)
    return (y.0, even + odd, even - odd, wideEven + wideOdd, wideEven - wideOdd, y.3)
  }

  /// G, from three kernel values to six.
  @inline(__always)
  static func kernel(_ g: (Lanes, Lanes, Lanes)) -> Line {
    let sixth: Float = 1 / 6
    let even = -sixth * (g.0 + g.2)
    let odd = -sixth * g.1
    let wideEven = sixth * (0.25 * g.0 + g.2)
    let wideOdd = 0.5 * sixth * g.1
    return (0.25 * g.0, even + odd, even - odd, wideEven + wideOdd, wideEven - wideOdd, g.2)
  }

  /// Gᵀ, the transpose of `kernel`: from six gradients to three of the kernel's.
  @inline(__always)
  static func kernelGradient(_ u: Line) -> (Lanes, Lanes, Lanes) {
    let sixth: Float = 1 / 6
    let (sum1, difference1) = (u.1 + u.2, u.1 - u.2)
    let (sum2, difference2) = (u.3 + u.4, u.3 - u.4)
    return (
      0.25 * u.0 - sixth * sum1 + 0.25 * sixth * sum2,
      -sixth * difference1 + 0.5 * sixth * difference2,
      -sixth * sum1 + sixth * sum2 + u.5
    )
  }
}

/// The tiles of a 3x3 convolution of stride 1: each makes 4x4 of its results.
struct WinogradTiles: Sendable {
  let geometry: ConvolutionGeometry
  let down: Int
  let across: Int

  init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    down = (geometry.output.height + 3) / 4
    across = (geometry.output.width + 3) / 4
  }

  var count: Int { geometry.count * down * across }

  /// The image of a tile and the position of its first result.
  @inline(__always)
  func position(_ tile: Int) -> (image: Int, y: Int, x: Int) {
    let (image, rest) = tile.quotientAndRemainder(dividingBy: down * across)
    return (image, rest / across * 4, rest % across * 4)
  }

  /// values[36, tile, c] = Bᵀ d B, for the inputs d of each tile.
  func transformInputs(
    _ images: UnsafePointer<Float>, tiles: Range<Int>, into values: UnsafeMutablePointer<Float>,
    planeStride: Int
  ) {
    let (height, width, channels) = (
      geometry.input.height, geometry.input.width, geometry.inputs
    )
    let laneCount = Lanes.scalarCount
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 36) { rows in
      for tile in tiles {
        let (image, y, x) = position(tile)
        let (top, left) = (y - geometry.padding.height, x - geometry.padding.width)
        let begin = images + image * height * width * channels
        let isInside = top >= 0 && left >= 0 && top + 6 <= height && left + 6 <= width
        let target = values + (tile - tiles.lowerBound) * channels
        for channel in stride(from: 0, to: channels, by: laneCount) {
          for row in 0..<6 {
            let line = inputLine(
              begin + channel, row: top + row, column: left, channels: channels,
              isInside: isInside)
            let result = WinogradMatrix.input(line)
            rows[row * 6] = result.0
            rows[row * 6 + 1] = result.1
            rows[row * 6 + 2] = result.2
            rows[row * 6 + 3] = result.3
            rows[row * 6 + 4] = result.4
            rows[row * 6 + 5] = result.5
          }
          for column in 0..<6 {
            let result = WinogradMatrix.input(
              (
                rows[column], rows[6 + column], rows[12 + column], rows[18 + column],
                rows[24 + column], rows[30 + column]
              ))
            let out = target + column * planeStride + channel
            store(result.0, to: out)
            store(result.1, to: out + 6 * planeStride)
            store(result.2, to: out + 12 * planeStride)
            store(result.3, to: out + 18 * planeStride)
            store(result.4, to: out + 24 * planeStride)
            store(result.5, to: out + 30 * planeStride)
          }
        }
      }
    }
  }

  /// Six neighbouring pixels of a row; zeros outside the image.
  @inline(__always)
  private func inputLine(
    _ image: UnsafePointer<Float>, row: Int, column: Int, channels: Int, isInside: Bool
  ) -> Line {
    let (height, width) = (geometry.input.height, geometry.input.width)
    let line = image + (row * width + column) * channels
    if isInside {
      return (
        load(line), load(line + channels), load(line + 2 * channels), load(line + 3 * channels),
        load(line + 4 * channels), load(line + 5 * channels)
      )
    }
    guard row >= 0, row < height else { return (.zero, .zero, .zero, .zero, .zero, .zero) }
    @inline(__always) func pixel(_ offset: Int) -> Lanes {
      column + offset >= 0 && column + offset < width ? load(line + offset * channels) : .zero
    }
    return (pixel(0), pixel(1), pixel(2), pixel(3), pixel(4), pixel(5))
  }

  /// results[n, y, x, o] = Aᵀ m A, for the products m[36, tile, o] of each tile.
  func transformProducts(
    _ products: UnsafePointer<Float>, tiles: Range<Int>, planeStride: Int,
    into results: UnsafeMutablePointer<Float>
  ) {
    let (height, width, channels) = (
      geometry.output.height, geometry.output.width, geometry.outputs
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 24) { rows in
      for tile in tiles {
        let (image, y, x) = position(tile)
        let source = products + (tile - tiles.lowerBound) * channels
        let target = results + ((image * height + y) * width + x) * channels
        let (rowCount, columnCount) = (min(4, height - y), min(4, width - x))
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for row in 0..<6 {
            let line = source + row * 6 * planeStride + channel
            let result = WinogradMatrix.output(
              (
                load(line), load(line + planeStride), load(line + 2 * planeStride),
                load(line + 3 * planeStride), load(line + 4 * planeStride),
                load(line + 5 * planeStride)
              ))
            rows[row] = result.0
            rows[6 + row] = result.1
            rows[12 + row] = result.2
            rows[18 + row] = result.3
          }
          for column in 0..<columnCount {
            let line = column * 6
            let result = WinogradMatrix.output(
              (
                rows[line], rows[line + 1], rows[line + 2], rows[line + 3], rows[line + 4],
                rows[line + 5]
              ))
            let out = target + column * channels + channel
            store(result.0, to: out)
            if rowCount > 1 { store(result.1, to: out + width * channels) }
            if rowCount > 2 { store(result.2, to: out + 2 * width * channels) }
            if rowCount > 3 { store(result.3, to: out + 3 * width * channels) }
          }
        }
      }
    }
  }

  /// values[36, tile, o] = A dy Aᵀ, for the gradients dy of each tile's results.
  func transformGradients(
    _ gradient: UnsafePointer<Float>, tiles: Range<Int>, into values: UnsafeMutablePointer<Float>,
    planeStride: Int
  ) {
    let (height, width, channels) = (
      geometry.output.height, geometry.output.width, geometry.outputs
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 24) { rows in
      for tile in tiles {
        let (image, y, x) = position(tile)
        let begin = gradient + ((image * height + y) * width + x) * channels
        let target = values + (tile - tiles.lowerBound) * channels
        let (rowCount, columnCount) = (min(4, height - y), min(4, width - x))
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for row in 0..<4 {
            @inline(__always) func pixel(_ column: Int) -> Lanes {
              row < rowCount && column < columnCount
                ? load(begin + (row * width + column) * channels + channel) : .zero
            }
            let result = WinogradMatrix.outputGradient((pixel(0), pixel(1), pixel(2), pixel(3)))
            rows[row] = result.0
            rows[4 + row] = result.1
            rows[8 + row] = result.2
            rows[12 + row] = result.3
            rows[16 + row] = result.4
            rows[20 + row] = result.5
          }
          for column in 0..<6 {
            let result = WinogradMatrix.outputGradient(
              (rows[column * 4], rows[column * 4 + 1], rows[column * 4 + 2], rows[column * 4 + 3]))
            let out = target + column * planeStride + channel
            store(result.0, to: out)
            store(result.1, to: out + 6 * planeStride)
            store(result.2, to: out + 12 * planeStride)
            store(result.3, to: out + 18 * planeStride)
            store(result.4, to: out + 24 * planeStride)
            store(result.5, to: out + 30 * planeStride)
          }
        }
      }
    }
  }
}

extension WinogradTiles {
  /// images[n, y, x, c] += B v Bᵀ, for the gradients v[36, tile, c] of each tile.
  func scatterInputGradients(
    _ values: UnsafePointer<Float>, tiles: Range<Int>, planeStride: Int,
    addingTo images: UnsafeMutablePointer<Float>
  ) {
    let (height, width, channels) = (
      geometry.input.height, geometry.input.width, geometry.inputs
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 36) { rows in
      for tile in tiles {
        let (image, y, x) = position(tile)
        let (top, left) = (y - geometry.padding.height, x - geometry.padding.width)
        let rowRange = max(0, -top)..<min(6, height - top)
        let columnRange = max(0, -left)..<min(6, width - left)
        let target = images + ((image * height + top) * width + left) * channels
        let source = values + (tile - tiles.lowerBound) * channels
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for column in 0..<6 {
            let line = source + column * planeStride + channel
            let result = WinogradMatrix.inputGradient(
              (
                load(line), load(line + 6 * planeStride), load(line + 12 * planeStride),
                load(line + 18 * planeStride), load(line + 24 * planeStride),
                load(line + 30 * planeStride)
              ))
            rows[column] = result.0
            rows[6 + column] = result.1
            rows[12 + column] = result.2
            rows[18 + column] = result.3
            rows[24 + column] = result.4
            rows[30 + column] = result.5
          }
          for row in rowRange {
            let line = row * 6
            let result = WinogradMatrix.inputGradient(
              (
                rows[line], rows[line + 1], rows[line + 2], rows[line + 3], rows[line + 4],
                rows[line + 5]
              ))
            let out = target + row * width * channels + channel
            if columnRange.contains(0) { add(result.0, to: out) }
            if columnRange.contains(1) { add(result.1, to: out + channels) }
            if columnRange.contains(2) { add(result.2, to: out + 2 * channels) }
            if columnRange.contains(3) { add(result.3, to: out + 3 * channels) }
            if columnRange.contains(4) { add(result.4, to: out + 4 * channels) }
            if columnRange.contains(5) { add(result.5, to: out + 5 * channels) }
          }
        }
      }
    }
  }
}

@inline(__always)
private func add(_ value: Lanes, to pointer: UnsafeMutablePointer<Float>) {
  store(load(pointer) + value, to: pointer)
}

/// The transformed kernels G g Gᵀ of a weight, kept with it.
final class WinogradKernels: Derived {
  /// kernels[36, o, c]
  let byOutputs: Storage
  /// kernels[36, c, o] where the products are so small that OpenBLAS does not pack its operands: a
  /// transposed one then costs a fourth of the speed (78 instead of 102 GFLOP/s at 48·128·128).
  let byInputs: Storage?

  init(_ weight: Tensor) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[3])
    byOutputs = Self.transformed(weight, outputs: outputs, inputs: inputs)
    byInputs =
      outputs * inputs <= 1 << 14
      ? Self.transformed(permutedCopy(weight, [3, 1, 2, 0]), outputs: inputs, inputs: outputs) : nil
  }

  static func of(_ weight: Tensor) -> WinogradKernels { weight.derived { WinogradKernels(weight) } }

  private static func transformed(_ weight: Tensor, outputs: Int, inputs: Int) -> Storage {
    let kernels = Storage(elementCount: 36 * outputs * inputs)
    winogradKernels(weight.pointer, outputs: outputs, inputs: inputs, into: kernels.pointer)
    extendLifetime(weight.storage)
    return kernels
  }

  /// products[tile, o] = values[tile, c] · kernels of one plane
  func multiply(
    plane: Int, count: Int, inputs: Int, outputs: Int, _ values: UnsafePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    let kernels = byInputs ?? byOutputs
    singleGemm(
      m: count, n: outputs, k: inputs, values, stride: inputs,
      kernels.pointer + plane * outputs * inputs, stride: byInputs == nil ? inputs : outputs,
      transposingB: byInputs == nil, into: products, stride: outputs)
  }
}

/// kernels[36, o, c] = G g Gᵀ, for the kernels g of weight[o, 3, 3, c].
private func winogradKernels(
  _ weight: UnsafePointer<Float>, outputs: Int, inputs: Int,
  into kernels: UnsafeMutablePointer<Float>
) {
  let plane = outputs * inputs
  Parallel.forRanges(outputs, grain: max(1, (1 << 13) / inputs)) { range in
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { rows in
      for output in range {
        for channel in stride(from: 0, to: inputs, by: Lanes.scalarCount) {
          for row in 0..<3 {
            let line = weight + (output * 9 + row * 3) * inputs + channel
            let result = WinogradMatrix.kernel(
              (load(line), load(line + inputs), load(line + 2 * inputs)))
            rows[row] = result.0
            rows[3 + row] = result.1
            rows[6 + row] = result.2
            rows[9 + row] = result.3
            rows[12 + row] = result.4
            rows[15 + row] = result.5
          }
          for column in 0..<6 {
            let result = WinogradMatrix.kernel(
              (rows[column * 3], rows[column * 3 + 1], rows[column * 3 + 2]))
            let out = kernels + column * plane + output * inputs + channel
            store(result.0, to: out)
            store(result.1, to: out + 6 * plane)
            store(result.2, to: out + 12 * plane)
            store(result.3, to: out + 18 * plane)
            store(result.4, to: out + 24 * plane)
            store(result.5, to: out + 30 * plane)
          }
        }
      }
    }
  }
}

/// weight[o, 3, 3, c] = Gᵀ u G, for the gradients u of kernels[36, o, c].
func winogradKernelGradient(
  _ kernels: UnsafePointer<Float>, outputs: Int, inputs: Int,
  into weight: UnsafeMutablePointer<Float>
) {
  let plane = outputs * inputs
  Parallel.forRanges(outputs, grain: max(1, (1 << 13) / inputs)) { range in
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { rows in
      for output in range {
        for channel in stride(from: 0, to: inputs, by: Lanes.scalarCount) {
          for row in 0..<6 {
            let line = kernels + row * 6 * plane + output * inputs + channel
            let result = WinogradMatrix.kernelGradient(
              (
                load(line), load(line + plane), load(line + 2 * plane), load(line + 3 * plane),
                load(line + 4 * plane), load(line + 5 * plane)
              ))
            rows[row] = result.0
            rows[6 + row] = result.1
            rows[12 + row] = result.2
          }
          for column in 0..<3 {
            let line = column * 6
            let result = WinogradMatrix.kernelGradient(
              (
                rows[line], rows[line + 1], rows[line + 2], rows[line + 3], rows[line + 4],
                rows[line + 5]
              ))
            let out = weight + (output * 9 + column) * inputs + channel
            store(result.0, to: out)
            store(result.1, to: out + 3 * inputs)
            store(result.2, to: out + 6 * inputs)
          }
        }
      }
    }
  }
}
