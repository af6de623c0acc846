extension Tensor {
  /// A scalar.
  public init(_ value: Float) {
    self.init([]) { $0[0] = value }
  }

  /// A vector of `scalars`.
  public init(_ scalars: [Float]) {
    self.init(scalars, shape: [scalars.count])
  }

  /// A tensor of `scalars` in row-major order.
  ///
  /// - Precondition: There are as many scalars as `shape` holds.
  public init(_ scalars: [Float], shape: TensorShape) {
    precondition(
      scalars.count == shape.elementCount,
      "Tensor of shape \(shape) needs \(shape.elementCount) scalars; got \(scalars.count)")
    self.init(shape) { out in
      scalars.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { out.update(from: base, count: source.count) }
      }
    }
  }

  /// A tensor whose elements `initialize` writes, in row-major order and all of them.
  public init(
    shape: TensorShape,
    initializingWith initialize: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    try self.init(shape) {
      try initialize(UnsafeMutableBufferPointer(start: $0, count: shape.elementCount))
    }
  }

  /// A tensor of `value` throughout.
  public static func full(_ value: Float, _ shape: TensorShape) -> Tensor {
    Tensor(shape) { fill($0, count: shape.elementCount, with: value) }
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: TensorShape) -> Tensor { .full(0, shape) }

  /// A tensor of ones.
  public static func ones(_ shape: TensorShape) -> Tensor { .full(1, shape) }

  /// The vector 0, 1, …, `count` - 1.
  public static func arange(_ count: Int) -> Tensor {
    Tensor([count]) { out in for index in 0..<count { out[index] = Float(index) } }
  }

  /// The identity matrix of shape [size, size].
  public static func identity(_ size: Int) -> Tensor {
    Tensor([size, size]) { out in
      fill(out, count: size * size, with: 0)
      for index in 0..<size { out[index * size + index] = 1 }
    }
  }

  /// Rows of zeros with a one at each label.
  ///
  /// - Returns: Shape [count of labels, `classCount`].
  /// - Precondition: Every label is in `0..<classCount`.
  public static func oneHot(_ labels: [Int], classCount: Int) -> Tensor {
    Tensor([labels.count, classCount]) { out in
      fill(out, count: labels.count * classCount, with: 0)
      for (row, label) in labels.enumerated() {
        precondition(
          label >= 0 && label < classCount,
          "oneHot needs labels in 0..<\(classCount); got \(label) in row \(row)")
        out[row * classCount + label] = 1
      }
    }
  }

  /// Numbers drawn evenly from `range`.
  public static func uniform(
    _ shape: TensorShape, in range: Range<Float> = 0..<1, using stream: inout RandomStream
  ) -> Tensor {
    Tensor(shape) { out in
      for index in 0..<shape.elementCount { out[index] = stream.uniform(in: range) }
    }
  }

  /// Numbers drawn from a normal distribution.
  public static func normal(
    _ shape: TensorShape, mean: Float = 0, standardDeviation: Float = 1,
    using stream: inout RandomStream
  ) -> Tensor {
    Tensor(shape) { out in
      for index in 0..<shape.elementCount {
        out[index] = mean + standardDeviation * stream.normal()
      }
    }
  }
}
