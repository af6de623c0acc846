/// The tiles of a 3x3 convolution: each makes 4x4 of its results.
struct WinogradTiles<Scheme: WinogradScheme>: Sendable {
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
  private func position(_ tile: Int) -> (image: Int, y: Int, x: Int) {
    let (image, rest) = tile.quotientAndRemainder(dividingBy: down * across)
    return (image, rest / across * 4, rest % across * 4)
  }

  /// Where a tile's results begin, and how many rows and columns of them there are.
  @inline(__always)
  private func results(of tile: Int) -> (place: Int, rowCount: Int, columnCount: Int) {
    let (height, width) = (geometry.output.height, geometry.output.width)
    let (image, y, x) = position(tile)
    return (
      ((image * height + y) * width + x) * geometry.outputs, min(4, height - y), min(4, width - x)
    )
  }

  /// The image of a tile and the position of its first pixel, which may be in the padding.
  @inline(__always)
  private func corner(_ tile: Int) -> (image: Int, top: Int, left: Int) {
    let (image, y, x) = position(tile)
    return (
      image, y * Scheme.stride - geometry.padding.height,
      x * Scheme.stride - geometry.padding.width
    )
  }
}

/// The numbers of some tiles at all points: numbers[plane][tile][channel of a phase], and so many for
/// each plane.
struct TilePlanes: Sendable {
  /// The tile that comes first in each plane, and how many there is room for.
  let first: Int
  let capacity: Int
  private let storage: Storage

  /// Room for `size` numbers of each tile, of which the first is tile 0.
  init(capacity: Int, size: Int) {
    self.init(first: 0, capacity: capacity, storage: Storage(elementCount: capacity * size))
  }

  private init(first: Int, capacity: Int, storage: Storage) {
    self.first = first
    self.capacity = capacity
    self.storage = storage
  }

  var pointer: UnsafeMutablePointer<Float> { storage.pointer }

  /// The same memory for other tiles.
  func beginning(at tile: Int) -> TilePlanes {
    TilePlanes(first: tile, capacity: capacity, storage: storage)
  }

  /// Where the numbers of a plane begin that has `start` numbers of each tile in front of it.
  @inline(__always)
  func plane(after start: Int) -> UnsafeMutablePointer<Float> { pointer + start * capacity }
}

// MARK: - Inputs

extension WinogradTiles {
  /// values = Bᵀ d B for the pixels d of each tile, phase by phase.
  func transformInputs(
    _ images: UnsafePointer<Float>, tiles: Range<Int>, into values: TilePlanes
  ) {
    let (height, width, channels) = (
      geometry.input.height, geometry.input.width, geometry.inputs
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 36) { rows in
      forEachPhase(of: tiles) { tile, phaseRow, phaseColumn in
        let (image, top, left) = corner(tile)
        let begin = images + image * height * width * channels
        let isInside =
          top >= 0 && left >= 0 && top + Scheme.reach <= height && left + Scheme.reach <= width
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for row in 0..<Scheme.points(of: phaseRow) {
            let pixels = inputLine(
              begin + channel, row: top + phaseRow + row * Scheme.stride,
              column: left + phaseColumn, phase: phaseColumn, isInside: isInside)
            forEach(Scheme.points, of: Scheme.input(pixels)) { rows[row * 6 + $0] = $1 }
          }
          for column in 0..<Scheme.points(of: phaseColumn) {
            let line = makeLine(of: Scheme.points) { row in
              row < Scheme.points(of: phaseRow) ? rows[row * 6 + column] : .zero
            }
            forEach(Scheme.points, of: Scheme.input(line)) { row, result in
              guard row < Scheme.points(of: phaseRow) else { return }
              let target = address(
                in: values, tile: tile, row, column, phaseRow, phaseColumn, channel)
              store(result, to: target)
            }
          }
        }
      }
    }
  }

  /// Calls `body` for each phase of each tile.
  @inline(__always)
  private func forEachPhase(
    of tiles: Range<Int>, _ body: (_ tile: Int, _ phaseRow: Int, _ phaseColumn: Int) -> Void
  ) {
    for tile in tiles {
      for phaseRow in 0..<Scheme.stride {
        for phaseColumn in 0..<Scheme.stride { body(tile, phaseRow, phaseColumn) }
      }
    }
  }

  /// Where a channel of a phase of a tile is at a point.
  @inline(__always)
  private func address(
    in values: TilePlanes, tile: Int, _ row: Int, _ column: Int, _ phaseRow: Int,
    _ phaseColumn: Int, _ channel: Int
  ) -> UnsafeMutablePointer<Float> {
    let depth = Scheme.phases(at: row) * Scheme.phases(at: column)
    let phase = phaseRow * Scheme.phases(at: column) + phaseColumn
    return values.plane(after: Scheme.start(row, column) * geometry.inputs)
      + ((tile - values.first) * depth + phase) * geometry.inputs + channel
  }

  /// The pixels of a phase in a row; zeros outside the image.
  @inline(__always)
  private func inputLine(
    _ image: UnsafePointer<Float>, row: Int, column: Int, phase: Int, isInside: Bool
  ) -> Line {
    let (height, width) = (geometry.input.height, geometry.input.width)
    let line = image + (row * width + column) * geometry.inputs
    let step = Scheme.stride * geometry.inputs
    let count = Scheme.points(of: phase)
    if isInside {
      return makeLine(of: Scheme.points) { $0 < count ? load(line + $0 * step) : .zero }
    }
    guard row >= 0, row < height else { return (.zero, .zero, .zero, .zero, .zero, .zero) }
    return makeLine(of: Scheme.points) { index in
      let place = column + index * Scheme.stride
      return index < count && place >= 0 && place < width ? load(line + index * step) : .zero
    }
  }

  /// images[n, y, x, c] += B v Bᵀ, for the gradients v of each tile.
  func scatterInputGradients(
    _ values: TilePlanes, tiles: Range<Int>, addingTo images: UnsafeMutablePointer<Float>
  ) {
    let (height, width, channels) = (
      geometry.input.height, geometry.input.width, geometry.inputs
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 36) { rows in
      forEachPhase(of: tiles) { tile, phaseRow, phaseColumn in
        let (image, top, left) = corner(tile)
        let (y, x) = (top + phaseRow, left + phaseColumn)
        let target = images + ((image * height + y) * width + x) * channels
        let columns = places(from: x, below: width, phase: phaseColumn)
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for column in 0..<Scheme.points(of: phaseColumn) {
            let line = makeLine(of: Scheme.points) { row in
              row < Scheme.points(of: phaseRow)
                ? load(address(in: values, tile: tile, row, column, phaseRow, phaseColumn, channel))
                : .zero
            }
            forEach(Scheme.points, of: Scheme.inputGradient(line)) { rows[$0 * 6 + column] = $1 }
          }
          for row in places(from: y, below: height, phase: phaseRow) {
            let line = makeLine(of: Scheme.points) { column in
              column < Scheme.points(of: phaseColumn) ? rows[row * 6 + column] : .zero
            }
            let out = target + row * Scheme.stride * width * channels + channel
            forEach(Scheme.points, of: Scheme.inputGradient(line)) { column, result in
              guard columns.contains(column) else { return }
              let pixel = out + column * Scheme.stride * channels
              store(load(pixel) + result, to: pixel)
            }
          }
        }
      }
    }
  }

  /// Which pixels of a phase that begins at `first` are in an image of the given extent.
  @inline(__always)
  private func places(from first: Int, below extent: Int, phase: Int) -> Range<Int> {
    let lower = first >= 0 ? 0 : (Scheme.stride - 1 - first) / Scheme.stride
    let upper = (extent - first + Scheme.stride - 1) / Scheme.stride
    return lower..<max(lower, min(Scheme.points(of: phase), upper))
  }
}

// MARK: - Outputs

extension WinogradTiles {
  /// images[n, y, x, o] = Aᵀ m A, for the products m of each tile.
  func transformProducts(
    _ products: TilePlanes, tiles: Range<Int>, into images: UnsafeMutablePointer<Float>
  ) {
    let (width, channels) = (geometry.output.width, geometry.outputs)
    let planeStride = products.capacity * channels
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 24) { rows in
      for tile in tiles {
        let (place, rowCount, columnCount) = results(of: tile)
        let source = products.pointer + (tile - products.first) * channels
        let target = images + place
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for row in 0..<Scheme.points {
            let line = source + row * Scheme.points * planeStride + channel
            let products = makeLine(of: Scheme.points) { load(line + $0 * planeStride) }
            forEach(4, of: Scheme.output(products)) { rows[$0 * 6 + row] = $1 }
          }
          for column in 0..<columnCount {
            let line = makeLine(of: Scheme.points) { rows[column * 6 + $0] }
            let out = target + column * channels + channel
            forEach(4, of: Scheme.output(line)) { row, result in
              if row < rowCount { store(result, to: out + row * width * channels) }
            }
          }
        }
      }
    }
  }

  /// values = A dy Aᵀ, for the gradients dy of each tile's results.
  func transformGradients(
    _ gradient: UnsafePointer<Float>, tiles: Range<Int>, into values: TilePlanes
  ) {
    let (width, channels) = (geometry.output.width, geometry.outputs)
    let planeStride = values.capacity * channels
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 24) { rows in
      for tile in tiles {
        let (place, rowCount, columnCount) = results(of: tile)
        let begin = gradient + place
        let target = values.pointer + (tile - values.first) * channels
        for channel in stride(from: 0, to: channels, by: Lanes.scalarCount) {
          for row in 0..<4 {
            let pixels = makeLine(of: 4) { column in
              row < rowCount && column < columnCount
                ? load(begin + (row * width + column) * channels + channel) : .zero
            }
            forEach(Scheme.points, of: Scheme.outputGradient(pixels)) { rows[$0 * 4 + row] = $1 }
          }
          for column in 0..<Scheme.points {
            let line = makeLine(of: 4) { rows[column * 4 + $0] }
            let out = target + column * planeStride + channel
            forEach(Scheme.points, of: Scheme.outputGradient(line)) { row, result in
              store(result, to: out + row * Scheme.points * planeStride)
            }
          }
        }
      }
    }
  }
}

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func store(_ value: Lanes, to pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Lanes.self)
}
