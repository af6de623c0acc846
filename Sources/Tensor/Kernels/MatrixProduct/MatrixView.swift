internal import CTensorKernels

/// A matrix that a product reads, as it lies in memory or transposed.
///
/// Whoever makes a view keeps its memory alive.
struct MatrixView {
  /// The first number and those behind it.
  let numbers: Numbers
  /// The sizes that the product sees, which are exchanged in memory if the matrix is transposed.
  let rows: Int
  let columns: Int
  /// The distance in memory from one row, or one column of a transposed matrix, to the next.
  let stride: Int
  let isTransposed: Bool

  /// A view of numbers[rows, columns]; without a stride they are contiguous.
  init(_ numbers: Numbers, rows: Int, columns: Int, stride: Int? = nil) {
    self.init(numbers, rows, columns, stride: stride ?? columns, isTransposed: false)
  }

  /// A view of floats[rows, columns].
  init(_ pointer: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    self.init(Numbers(pointer), rows: rows, columns: columns, stride: stride)
  }

  /// The matrix at a place of a batch x[..., rows, columns].
  init(_ x: Tensor, at index: Int = 0, isTransposed: Bool = false) {
    let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
    let view = MatrixView(x.pointer + index * rows * columns, rows: rows, columns: columns)
    self = isTransposed ? view.transposed : view
  }

  private init(_ numbers: Numbers, _ rows: Int, _ columns: Int, stride: Int, isTransposed: Bool) {
    self.numbers = numbers
    self.rows = rows
    self.columns = columns
    self.stride = stride
    self.isTransposed = isTransposed
  }

  /// The first number of a matrix of floats.
  var pointer: UnsafePointer<Float> { numbers.floats }

  var transposed: MatrixView {
    MatrixView(numbers, columns, rows, stride: stride, isTransposed: !isTransposed)
  }

  /// Some of the rows.
  func rows(_ range: Range<Int>) -> MatrixView {
    MatrixView(
      numbers + range.lowerBound * (isTransposed ? 1 : stride), range.count, columns,
      stride: stride, isTransposed: isTransposed)
  }

  /// Some of the columns.
  func columns(_ range: Range<Int>) -> MatrixView {
    MatrixView(
      numbers + range.lowerBound * (isTransposed ? stride : 1), rows, range.count, stride: stride,
      isTransposed: isTransposed)
  }

  /// The pairs of neighbouring numbers of 16 bits that the rows are, with as many from a row to the
  /// next; nil of others.
  var rowsOfPairs: (first: UnsafePointer<CTKBFloat16Pair>, stride: Int)? {
    guard
      numbers.format == .bfloat16, !isTransposed, columns.isMultiple(of: 2),
      stride.isMultiple(of: 2), Int(bitPattern: numbers.address).isMultiple(of: 4)
    else { return nil }
    return (numbers.address.assumingMemoryBound(to: CTKBFloat16Pair.self), stride / 2)
  }
}

/// The memory that a product writes, of as many rows and columns as the product has.
struct MatrixDestination {
  let numbers: MutableNumbers
  /// The distance from one row to the next.
  let stride: Int

  init(_ numbers: MutableNumbers, stride: Int) {
    self.numbers = numbers
    self.stride = stride
  }

  init(_ pointer: UnsafeMutablePointer<Float>, stride: Int) {
    self.init(MutableNumbers(pointer), stride: stride)
  }

  /// The first number of a product of floats.
  var pointer: UnsafeMutablePointer<Float> { numbers.floats }

  /// The part that begins at an element.
  func from(row: Int = 0, column: Int = 0) -> MatrixDestination {
    MatrixDestination(numbers + (row * stride + column), stride: stride)
  }

  /// What was written, for rows of `stride` columns.
  func view(rows: Int) -> MatrixView {
    MatrixView(numbers.read, rows: rows, columns: stride)
  }
}

/// A matrix packed for products: panels of neighbouring columns, each row by row.
struct PackedMatrix {
  /// Floats, or pairs of numbers of bfloat16.
  private let pointer: UnsafeMutablePointer<Float>
  let rows: Int
  let columns: Int
  let precision: MatmulPrecision

  init(
    _ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    _ precision: MatmulPrecision = .float32
  ) {
    self.pointer = pointer
    self.rows = rows
    self.columns = columns
    self.precision = precision
  }

  /// The floats that a column takes.
  static func columnLength(rows: Int, _ precision: MatmulPrecision) -> Int {
    precision == .bfloat16 ? BFloat16Gemm.pairCount(rows) : rows
  }

  /// Some of the columns, from the first of a panel on.
  func columns(_ range: Range<Int>) -> PackedMatrix {
    PackedMatrix(
      pointer + range.lowerBound * Self.columnLength(rows: rows, precision), rows: rows,
      columns: range.count, precision)
  }

  /// Some of the columns, at most a panel, as floats.
  func floats(_ range: Range<Int>) -> MatrixView {
    MatrixView(pointer + range.lowerBound * rows, rows: rows, columns: range.count)
  }

  /// The pairs of the panel that begins at a column.
  func pairs(at column: Int) -> UnsafeMutablePointer<CTKBFloat16Pair> {
    (pointer + column * BFloat16Gemm.pairCount(rows)).pairs
  }

  /// Packs a matrix of at most a panel's columns.
  func pack(_ panel: MatrixView) {
    switch (precision, panel.isTransposed) {
    case (.float32, true):
      ctk_transpose_panel(panel.pointer, panel.stride, columns, rows, pointer)
    case (.float32, false):
      for row in 0..<rows {
        (pointer + row * columns).update(from: panel.pointer + row * panel.stride, count: columns)
      }
    case (.bfloat16, _): BFloat16Gemm.round(panel, into: pointer)
    }
  }
}
