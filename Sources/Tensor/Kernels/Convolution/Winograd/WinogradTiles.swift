internal import CTensorKernels

/// The tiles of a 3x3 convolution: each makes `extent` x `extent` of its results.
struct WinogradTiles: Sendable {
  let scheme: WinogradScheme
  let geometry: ConvolutionGeometry
  let down: Int
  let across: Int

  init(_ geometry: ConvolutionGeometry, _ scheme: WinogradScheme) {
    self.scheme = scheme
    self.geometry = geometry
    down = (geometry.output.height + scheme.extent - 1) / scheme.extent
    across = (geometry.output.width + scheme.extent - 1) / scheme.extent
  }

  var count: Int { geometry.count * down * across }

  /// Whether each pixel is in a tile; those that no result depends on may not be.
  var coverImages: Bool {
    func covers(_ tiles: Int, _ extent: Int, _ padding: Int) -> Bool {
      tiles * scheme.extent * scheme.stride + 3 - scheme.stride >= extent + padding
    }
    return covers(down, geometry.input.height, geometry.padding.height)
      && covers(across, geometry.input.width, geometry.padding.width)
  }

  /// The multiplications for each input and output channel. To transform a kernel and to read it again is
  /// reckoned as long as to multiply it by twenty tiles: eight bytes or more at some 15 GB/s, which
  /// views that come one by one share.
  var cost: Int { scheme.products * (count + 20) }

  private var inputs: WinogradImages {
    WinogradImages(
      height: geometry.input.height, width: geometry.input.width, channels: geometry.inputs,
      top: geometry.padding.height, left: geometry.padding.width, down: down, across: across)
  }

  private var outputs: WinogradImages {
    WinogradImages(
      height: geometry.output.height, width: geometry.output.width, channels: geometry.outputs,
      top: 0, left: 0, down: down, across: across)
  }
}

extension WinogradTiles {
  /// values = Bᵀ d B for the pixels d of each tile, phase by phase.
  func transformInputs(
    _ images: UnsafePointer<Float>, tiles: Range<Int>, into values: TilePlanes
  ) {
    withUnsafePointers(inputs, values.planes) {
      scheme.transforms.inputs($0, images, tiles.lowerBound, tiles.upperBound, $1)
    }
  }

  /// images[n, y, x, c] = Σ B v Bᵀ, for the gradients v of each tile: an image's tiles must come in order,
  /// for its pixels are stored by the first tile that they are in, and added to by the others.
  func scatterInputGradients(
    _ values: TilePlanes, tiles: Range<Int>, into images: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointers(inputs, values.planes) {
      scheme.transforms.inputGradients($0, $1, tiles.lowerBound, tiles.upperBound, images)
    }
  }

  /// images[n, y, x, o] = Aᵀ m A, for the products m of each tile.
  func transformProducts(
    _ products: TilePlanes, tiles: Range<Int>, into images: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointers(outputs, products.planes) {
      scheme.transforms.outputs($0, $1, tiles.lowerBound, tiles.upperBound, images)
    }
  }

  /// values = A dy Aᵀ, for the gradients dy of each tile's results.
  func transformGradients(
    _ gradient: UnsafePointer<Float>, tiles: Range<Int>, into values: TilePlanes
  ) {
    withUnsafePointers(outputs, values.planes) {
      scheme.transforms.outputGradients($0, gradient, tiles.lowerBound, tiles.upperBound, $1)
    }
  }

  private func withUnsafePointers(
    _ images: WinogradImages, _ planes: WinogradPlanes,
    _ body: (UnsafePointer<WinogradImages>, UnsafePointer<WinogradPlanes>) -> Void
  ) {
    withUnsafePointer(to: images) { images in
      withUnsafePointer(to: planes) { body(images, $0) }
    }
  }
}

/// The numbers of some tiles at all points: numbers[plane][tile][channel of a phase], and so many for
/// each plane.
struct TilePlanes: Sendable {
  /// The tile that comes first in each plane, and how many there is room for.
  let first: Int
  let capacity: Int
  private let storage: Storage

  /// Room for `capacity` tiles and `count` numbers in all, of which the first tile is tile 0.
  init(capacity: Int, count: Int) {
    self.init(first: 0, capacity: capacity, storage: Storage(elementCount: count))
  }

  private init(first: Int, capacity: Int, storage: Storage) {
    self.first = first
    self.capacity = capacity
    self.storage = storage
  }

  fileprivate var planes: WinogradPlanes {
    WinogradPlanes(numbers: storage.pointer, first: first, capacity: capacity)
  }

  /// The same memory for other tiles.
  func beginning(at tile: Int) -> TilePlanes {
    TilePlanes(first: tile, capacity: capacity, storage: storage)
  }

  /// The inputs of a plane.
  func inputs(_ plane: WinogradPlane) -> UnsafeMutablePointer<Float> {
    start(of: plane, after: plane.start)
  }

  /// The products of a plane.
  func outputs(_ plane: WinogradPlane) -> UnsafeMutablePointer<Float> {
    start(of: plane, after: plane.index * plane.outputs)
  }

  /// Where a plane begins that has `count` numbers of each tile in front of it.
  private func start(of plane: WinogradPlane, after count: Int) -> UnsafeMutablePointer<Float> {
    storage.pointer + count * capacity + plane.index * WinogradGap
  }
}
