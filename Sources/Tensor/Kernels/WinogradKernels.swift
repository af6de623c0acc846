/// The transformed kernels G g Gᵀ of a weight, kept with it.
final class WinogradKernels<Scheme: WinogradScheme>: Derived {
  /// kernels[plane][o, phase, c]
  let byOutputs: Storage
  /// kernels[plane][phase, c, o] where the products are so small that OpenBLAS does not pack its
  /// operands: a transposed one then costs a fourth of the speed (78 instead of 102 GFLOP/s at
  /// 48·128·128).
  let byInputs: Storage?

  init(_ weight: Tensor) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[3])
    byOutputs = Self.transformed(weight, hasPhasesInRows: true)
    byInputs =
      Scheme.stride * Scheme.stride * outputs * inputs <= 1 << 14
      ? Self.transformed(permutedCopy(weight, [3, 1, 2, 0]), hasPhasesInRows: false) : nil
  }

  static func of(_ weight: Tensor) -> WinogradKernels { weight.derived { WinogradKernels(weight) } }

  /// products[tile, o] = values[tile, phase, c] · kernels of one plane
  func multiply(
    plane: WinogradPlane, count: Int, values: TilePlanes, into products: TilePlanes
  ) {
    let stride = byInputs == nil ? plane.depth : plane.outputs
    singleGemm(
      m: count, n: plane.outputs, k: plane.depth, values.plane(after: plane.start),
      stride: plane.depth, (byInputs ?? byOutputs).pointer + plane.start * plane.outputs,
      stride: stride, transposingB: byInputs == nil,
      into: products.plane(after: plane.index * plane.outputs), stride: plane.outputs)
  }

  private static func transformed(_ weight: Tensor, hasPhasesInRows: Bool) -> Storage {
    let layout = KernelLayout<Scheme>(
      rows: weight.shape[0], columns: weight.shape[3], hasPhasesInRows: hasPhasesInRows)
    let kernels = Storage(elementCount: Scheme.products * layout.rows * layout.columns)
    layout.transform(weight.pointer, into: kernels.pointer)
    extendLifetime(weight.storage)
    return kernels
  }
}

/// One point of both axes: a product of matrices.
struct WinogradPlane {
  /// The place among the planes.
  let index: Int
  /// The channels of all planes before.
  let start: Int
  /// The channels of the inputs, for each phase that is not zero here.
  let depth: Int
  let outputs: Int

  init<Scheme: WinogradScheme>(
    _ index: Int, of scheme: Scheme.Type, _ geometry: ConvolutionGeometry
  ) {
    let (row, column) = index.quotientAndRemainder(dividingBy: Scheme.points)
    self.index = index
    start = Scheme.start(row, column) * geometry.inputs
    depth = Scheme.phases(at: row) * Scheme.phases(at: column) * geometry.inputs
    outputs = geometry.outputs
  }
}

/// How transformed kernels of weight[row, 3, 3, column] lie in memory.
struct KernelLayout<Scheme: WinogradScheme>: Sendable {
  let rows: Int
  let columns: Int
  /// Whether planes are [row, phase, column]; they are [phase, row, column] if not.
  let hasPhasesInRows: Bool

  /// kernels = G g Gᵀ, for the kernels g of a weight.
  func transform(_ weight: UnsafePointer<Float>, into kernels: UnsafeMutablePointer<Float>) {
    forEachPart { transform(weight, rows: $0, into: kernels) }
  }

  /// weight = Gᵀ u G, for the gradients u of its transformed kernels.
  func gradient(of kernels: UnsafePointer<Float>, into weight: UnsafeMutablePointer<Float>) {
    forEachPart { gradient(of: kernels, rows: $0, into: weight) }
  }

  /// Calls `body` with parts of all rows, on all threads.
  private func forEachPart(_ body: (_ rows: Range<Int>) -> Void) {
    Parallel.forRanges(rows, grain: max(1, (1 << 13) / columns), body)
  }

  private func transform(
    _ weight: UnsafePointer<Float>, rows range: Range<Int>,
    into kernels: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { lines in
      forEachPatch(range) { row, column, phaseRow, phaseColumn in
        let taps = (Scheme.taps(of: phaseRow), Scheme.taps(of: phaseColumn))
        for y in 0..<taps.0 {
          let line = makeLine(of: 3) { x in
            x < taps.1 ? load(weight + tap(row, y, phaseRow, x, phaseColumn) + column) : .zero
          }
          forEach(Scheme.points, of: Scheme.kernel(line)) { lines[$0 * 3 + y] = $1 }
        }
        for x in 0..<Scheme.points(of: phaseColumn) {
          let line = makeLine(of: 3) { $0 < taps.0 ? lines[x * 3 + $0] : .zero }
          forEach(Scheme.points, of: Scheme.kernel(line)) { y, result in
            guard y < Scheme.points(of: phaseRow) else { return }
            store(result, to: kernels + place(y, x, row, phaseRow, phaseColumn) + column)
          }
        }
      }
    }
  }

  private func gradient(
    of kernels: UnsafePointer<Float>, rows range: Range<Int>,
    into weight: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { lines in
      forEachPatch(range) { row, column, phaseRow, phaseColumn in
        let taps = (Scheme.taps(of: phaseRow), Scheme.taps(of: phaseColumn))
        for y in 0..<Scheme.points(of: phaseRow) {
          let line = makeLine(of: Scheme.points) { x in
            x < Scheme.points(of: phaseColumn)
              ? load(kernels + place(y, x, row, phaseRow, phaseColumn) + column) : .zero
          }
          forEach(3, of: Scheme.kernelGradient(line)) { lines[$0 * 6 + y] = $1 }
        }
        for x in 0..<taps.1 {
          let line = makeLine(of: Scheme.points) {
            $0 < Scheme.points(of: phaseRow) ? lines[x * 6 + $0] : .zero
          }
          forEach(3, of: Scheme.kernelGradient(line)) { y, result in
            guard y < taps.0 else { return }
            store(result, to: weight + tap(row, y, phaseRow, x, phaseColumn) + column)
          }
        }
      }
    }
  }

  /// Calls `body` for each row, phase and vector of columns.
  @inline(__always)
  private func forEachPatch(
    _ range: Range<Int>,
    _ body: (_ row: Int, _ column: Int, _ phaseRow: Int, _ phaseColumn: Int) -> Void
  ) {
    for row in range {
      for phaseRow in 0..<Scheme.stride {
        for phaseColumn in 0..<Scheme.stride {
          for column in stride(from: 0, to: columns, by: Lanes.scalarCount) {
            body(row, column, phaseRow, phaseColumn)
          }
        }
      }
    }
  }

  /// Where a phase's tap of a row of the weight begins.
  @inline(__always)
  private func tap(_ row: Int, _ y: Int, _ phaseRow: Int, _ x: Int, _ phaseColumn: Int) -> Int {
    let (ky, kx) = (phaseRow + y * Scheme.stride, phaseColumn + x * Scheme.stride)
    return ((row * 3 + ky) * 3 + kx) * columns
  }

  /// Where a phase of a row begins at a point.
  @inline(__always)
  private func place(_ y: Int, _ x: Int, _ row: Int, _ phaseRow: Int, _ phaseColumn: Int) -> Int {
    let depth = Scheme.phases(at: y) * Scheme.phases(at: x)
    let phase = phaseRow * Scheme.phases(at: x) + phaseColumn
    let line = hasPhasesInRows ? row * depth + phase : phase * rows + row
    return (Scheme.start(y, x) * rows + line) * columns
  }
}
