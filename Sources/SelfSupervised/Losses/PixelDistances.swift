import Tensor

/// How far apart the pixels of two views' maps are in the image they come from.
///
/// A distance of 1 is the diagonal of a cell, which is the part of the image that one pixel of the
/// map stands for: of the larger of the two views' cells for ``PixelVariant/official``, with the
/// image as the unit square, and of the whole image's cell for ``PixelVariant/lucidrains``.
///
/// - Parameters:
///   - first: Where the first view of each image comes from.
///   - second: Where the second view comes from, in the same order.
///   - mapSize: The height and width of both maps.
///   - variant: Whose rules are followed.
/// - Returns: Shape [count, h · w, h · w]; rows are pixels of first views, columns of second ones.
public func pixelDistances(
  from first: [ViewRegion], to second: [ViewRegion], mapSize: Size2D,
  variant: PixelVariant = .official
) -> Tensor {
  precondition(
    first.count == second.count && !first.isEmpty && mapSize.height > 0 && mapSize.width > 0,
    "pixelDistances needs as many first views as second ones and a map; got \(first.count) and "
      + "\(second.count) views and a map of \(mapSize)")
  let (count, height, width) = (first.count, mapSize.height, mapSize.width)
  var (rowGaps, columnGaps): ([Float], [Float]) = ([], [])
  for (first, second) in zip(first, second) {
    let cells = [first, second].map { ViewCells($0, mapSize: mapSize, variant) }
    // Crops of a single pixel have no cells; at least their own pixels are at distance zero.
    let unit = max(cells[0].diagonal, cells[1].diagonal, 1e-12)
    rowGaps += squaredGaps(cells[0].rows, cells[1].rows, unit: unit)
    columnGaps += squaredGaps(cells[0].columns, cells[1].columns, unit: unit)
  }
  let squares =
    Tensor(rowGaps, shape: [count, height, 1, height, 1])
    + Tensor(columnGaps, shape: [count, 1, width, 1, width])
  return sqrt(squares).reshaped([count, height * width, height * width])
}

private func squaredGaps(_ first: [Double], _ second: [Double], unit: Double) -> [Float] {
  first.flatMap { a in second.map { b in Float((a - b) * (a - b) / (unit * unit)) } }
}

/// The centres of a view's cells, and the length that is called 1.
private struct ViewCells {
  let rows: [Double]
  let columns: [Double]
  let diagonal: Double

  init(_ view: ViewRegion, mapSize: Size2D, _ variant: PixelVariant) {
    let (size, image) = (view.region.size, view.imageSize)
    switch variant {
    case .official:
      // From the centre of the first pixel to that of the last, where the image's own are 0 and 1.
      func axis(_ start: Int, _ length: Int, of whole: Int, _ count: Int) -> ([Double], Double) {
        let scale = 1 / Double(max(1, whole - 1))
        let step = Double(length - 1) / Double(count) * scale
        return ((0..<count).map { Double(start) * scale + (Double($0) + 0.5) * step }, step)
      }
      let (rows, stepDown) = axis(view.region.top, size.height, of: image.height, mapSize.height)
      let (columns, stepAcross) = axis(view.region.left, size.width, of: image.width, mapSize.width)
      self.rows = rows
      self.columns = view.isFlipped ? columns.reversed() : columns
      diagonal = (stepDown * stepDown + stepAcross * stepAcross).squareRoot()
    case .lucidrains:
      // The coordinates of the pixels, resampled as torch's bilinear interpolation does it.
      let whole = Double(image.height * image.height + image.width * image.width).squareRoot()
      func axis(_ start: Int, _ length: Int, _ count: Int) -> [Double] {
        (0..<count).map {
          let place = (Double($0) + 0.5) * Double(length) / Double(count) - 0.5
          return (Double(start) + min(max(place, 0), Double(length - 1))) * Double(count) / whole
        }
      }
      rows = axis(view.region.top, size.height, mapSize.height)
      let columns = axis(view.region.left, size.width, mapSize.width)
      self.columns = view.isFlipped ? columns.reversed() : columns
      diagonal = 1
    }
  }
}
