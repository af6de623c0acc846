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

  /// The numbers of all kernels, for each phase of a point.
  var kernelSize: Int { geometry.outputs * geometry.groupInputs }

  /// Whether each pixel is in a tile. Pixels on which no result depends may be in none.
  var coversEveryPixel: Bool {
    func covers(_ tiles: Int, _ extent: Int, _ padding: Int) -> Bool {
      tiles * scheme.extent * scheme.stride + 3 - scheme.stride >= extent + padding
    }
    return covers(down, geometry.input.height, geometry.padding.height)
      && covers(across, geometry.input.width, geometry.padding.width)
  }

  /// The multiplications for each input and output channel.
  ///
  /// Transforming a kernel and reading it again counts as twenty tiles: eight bytes or more at some
  /// 15 GB/s, shared by views that come one by one.
  var cost: Int { scheme.products * (count + 20) }

  private var inputs: CTKWinogradImages {
    CTKWinogradImages(
      height: geometry.input.height, width: geometry.input.width, channels: geometry.inputs,
      top: geometry.padding.height, left: geometry.padding.width, down: down, across: across)
  }

  private var outputs: CTKWinogradImages {
    CTKWinogradImages(
      height: geometry.output.height, width: geometry.output.width, channels: geometry.outputs,
      top: 0, left: 0, down: down, across: across)
  }
}

extension WinogradTiles {
  /// values = Bᵀ d B for the pixels d of each tile, phase by phase.
  func transformInputs(
    _ images: WinogradImages, tiles: Range<Int>, into values: WinogradBuffer
  ) {
    scheme.transforms.inputs(
      inputs, images.numbers, images.normalization, tiles.lowerBound, tiles.upperBound,
      values.layout)
  }

  /// images[n, y, x, c] = Σ B v Bᵀ, or += if `accumulating`, for the gradients v of each tile.
  ///
  /// An image's tiles must come in order: the first tile of a pixel stores its gradient, the others
  /// add.
  func scatterInputGradients(
    _ values: WinogradBuffer, tiles: Range<Int>, accumulating: Bool,
    into images: UnsafeMutablePointer<Float>
  ) {
    scheme.transforms.inputGradients(
      inputs, values.layout, tiles.lowerBound, tiles.upperBound, accumulating, images)
  }

  /// images[n, y, x, o] = Aᵀ m A, for the products m of each tile, and the epilogue of that.
  func transformProducts(
    _ products: WinogradBuffer, tiles: Range<Int>, _ epilogue: ConvolutionEpilogue?,
    into images: MutableNumbers
  ) {
    scheme.transforms.outputs(
      outputs, products.layout, tiles.lowerBound, tiles.upperBound,
      epilogue?.beginning(at: 0) ?? CTKEpilogue(), images.layout)
    extendLifetime(epilogue)
  }

  /// values = A dy Aᵀ, for the gradients dy of each tile's results.
  func transformGradients(
    _ gradient: Numbers, tiles: Range<Int>, into values: WinogradBuffer
  ) {
    scheme.transforms.outputGradients(
      outputs, gradient.layout, tiles.lowerBound, tiles.upperBound, values.layout)
  }
}

/// Images [count, height, width, channels] that transforms read, which must live as long as this.
struct WinogradImages {
  fileprivate let numbers: CTKNumbers
  /// What is done to them first, if anything.
  fileprivate let normalization: CTKWinogradNormalization

  init(_ images: Tensor) {
    let deferred = images.deferredNormalization
    numbers = (deferred?.input ?? images).numbers.layout
    normalization =
      deferred?.layout(imageRows: images.shape[1] * images.shape[2]) ?? CTKWinogradNormalization()
  }
}

/// The numbers of some tiles at all points: numbers[point][tile][channel of a phase].
struct WinogradBuffer: Sendable {
  /// The first tile of each plane, and how many there is room for.
  let first: Int
  let capacity: Int
  private let storage: Storage

  /// Room for `capacity` tiles and `count` numbers in all, beginning with tile 0.
  init(capacity: Int, count: Int, _ format: NumberFormat) {
    self.init(first: 0, capacity: capacity, Storage(elementCount: count, format))
  }

  private init(first: Int, capacity: Int, _ storage: Storage) {
    self.first = first
    self.capacity = capacity
    self.storage = storage
  }

  fileprivate var layout: CTKWinogradBuffer {
    CTKWinogradBuffer(numbers: storage.numbers.address, first: first, capacity: capacity)
  }

  /// The same memory for other tiles.
  func beginning(at tile: Int) -> WinogradBuffer {
    WinogradBuffer(first: tile, capacity: capacity, storage)
  }

  /// The inputs of all phases at a point: [tile, phase, c].
  func inputs(_ point: WinogradPoint) -> MatrixDestination {
    MatrixDestination(
      storage.numbers + point.phasePlane(capacity * point.inputs), stride: point.depth)
  }

  /// The products at a point: [tile, o].
  func outputs(_ point: WinogradPoint) -> MatrixDestination {
    MatrixDestination(
      storage.numbers + point.plane(capacity * point.outputs), stride: point.outputs)
  }
}
