extension Tensor {
  /// The same elements in row-major order under another shape; one size may be -1 and is inferred.
  ///
  /// - Precondition: Both shapes hold the same number of elements.
  public func reshaped(_ dimensions: [Int]) -> Tensor {
    guard let unknown = dimensions.firstIndex(of: -1) else {
      return reshaped(TensorShape(dimensions))
    }
    var sizes = dimensions
    sizes[unknown] = 1
    let known = sizes.reduce(1, *)
    precondition(
      known > 0 && elementCount.isMultiple(of: known),
      "reshaped needs sizes that divide \(elementCount) elements; got \(dimensions)")
    sizes[unknown] = elementCount / known
    return reshaped(TensorShape(sizes))
  }

  /// The same elements in row-major order under another shape.
  public func reshaped(_ shape: TensorShape) -> Tensor {
    precondition(
      shape.elementCount == elementCount,
      "reshaped needs a shape of \(elementCount) elements; got \(shape) for \(self.shape)")
    return reshapedWithoutRecord(shape).recorded(from: [self], as: .reshape) {
      [old = self.shape] gradient, _ in
      [gradient.reshapedWithoutRecord(old)]
    }
  }

  /// Merges all axes from `axis` on, in row-major order.
  ///
  /// A map's channels come last, as they lie in memory; the layer `Flatten` puts them first, as
  /// torch does.
  public func flattened(from axis: Int = 0) -> Tensor {
    let axis = axis == rank ? rank : shape.normalized(axis: axis)
    return reshaped(Array(shape.dimensions[..<axis]) + [shape.elementCount(axis..<rank)])
  }

  /// This tensor with its axes in another order: axis i of the result is axis `axes[i]` of this.
  public func permuted(_ axes: [Int]) -> Tensor {
    let order = axes.map(shape.normalized(axis:))
    precondition(
      order.sorted() == Array(0..<rank),
      "permuted needs each of \(rank) axes once; got \(axes)")
    let inverse = order.indices.sorted { order[$0] < order[$1] }
    return permutedCopy(self, order).recorded(from: [self], as: .permute(axes: order)) {
      gradient, _ in
      [permutedCopy(gradient, inverse)]
    }
  }

  /// This tensor with its last two axes exchanged.
  public func transposed() -> Tensor {
    precondition(rank >= 2, "transposed needs at least two axes; got shape \(shape)")
    return permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }

  /// This tensor repeated along axes of size 1, and along new leading axes, up to `shape`.
  public func broadcast(to shape: TensorShape) -> Tensor {
    precondition(
      self.shape.broadcast(with: shape, operation: "broadcast(to:)") == shape,
      "broadcast(to:) cannot bring \(self.shape) to \(shape)")
    return broadcastWithoutRecord(to: shape).recorded(from: [self], as: .broadcast) {
      [old = self.shape] gradient, _ in [gradient.summed(to: old)]
    }
  }

  /// The order of elements along `axes` reversed.
  public func flipped(_ axes: [Int]) -> Tensor {
    let axes = shape.normalized(axes: axes)
    return flippedCopy(self, axes).recorded(from: [self], as: .flip(axes: axes)) { gradient, _ in
      [flippedCopy(gradient, axes)]
    }
  }

  /// This tensor with `value` around it: `widths` has how many elements go before and after, for
  /// each axis.
  public func padded(_ widths: [(before: Int, after: Int)], value: Float = 0) -> Tensor {
    precondition(
      widths.count == rank && widths.allSatisfy { $0.before >= 0 && $0.after >= 0 },
      "padded needs \(rank) pairs of widths of zero or more; got \(widths)")
    let starts = widths.map(\.before)
    let target = TensorShape(zip(shape, widths).map { $0 + $1.before + $1.after })
    return pastedCopy(of: self, at: starts, into: .full(value, target)).recorded(
      from: [self], as: .pad(before: starts, after: widths.map(\.after), value: value)
    ) {
      [shape] gradient, _ in [croppedCopy(of: gradient, at: starts, shape: shape)]
    }
  }

  /// The block of `shape` that begins at `starts`.
  public func cropped(at starts: [Int], shape target: TensorShape) -> Tensor {
    precondition(
      starts.count == rank && target.rank == rank
        && zip(starts, zip(target, shape)).allSatisfy { $0 >= 0 && $0 + $1.0 <= $1.1 },
      "cropped needs a block inside \(shape); got \(target) at \(starts)")
    return croppedCopy(of: self, at: starts, shape: target).recorded(
      from: [self], as: .crop(starts: starts)
    ) {
      [shape] gradient, _ in [pastedCopy(of: gradient, at: starts, into: .zeros(shape))]
    }
  }
}

// MARK: - Along the first axis

extension Tensor {
  /// Entry `index` along the first axis, without that axis; shares storage.
  public subscript(index: Int) -> Tensor {
    self[index..<index + 1].reshaped(Array(shape.dimensions.dropFirst()))
  }

  /// Entries `range` along the first axis; shares storage.
  public subscript(range: Range<Int>) -> Tensor {
    precondition(rank > 0, "a scalar has no entries to pick")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[0],
      "entries \(range) are out of range for shape \(shape)")
    let step = shape.elementCount(1..<rank)
    let part = TensorShape([range.count] + shape.dimensions.dropFirst())
    @Sendable func starts() -> [Int] {
      [range.lowerBound] + [Int](repeating: 0, count: part.rank - 1)
    }
    return Tensor(storage: storage, offset: offset + range.lowerBound * step, shape: part)
      .recorded(from: [self], as: .crop(starts: starts())) { [shape] gradient, _ in
        [pastedCopy(of: gradient, at: starts(), into: .zeros(shape))]
      }
  }

  /// The entries along the first axis, at most `count` at a time; they share storage.
  package func chunks(of count: Int) -> [Tensor] {
    precondition(rank > 0 && count > 0, "chunks needs an axis and a count above zero; got \(count)")
    return stride(from: 0, to: shape[0], by: count).map {
      self[$0..<Swift.min($0 + count, shape[0])]
    }
  }

  /// Entries `indices` along the first axis, in that order; an index may come more than once.
  ///
  /// - Returns: Shape [count of indices, rest of the shape].
  public func indexSelect(_ indices: [Int]) -> Tensor {
    precondition(rank > 0, "indexSelect needs at least one axis; got a scalar")
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < shape[0] },
      "indexSelect needs indices in 0..<\(shape[0]); got \(indices.min() ?? 0)..."
        + "\(indices.max() ?? 0)")
    return gatheredRows(self, indices).recorded(from: [self], as: .indexSelect(indices)) {
      [shape] gradient, _ in
      [scatteredRows(gradient, indices, into: shape)]
    }
  }

  /// One entry of each row of a matrix of shape [rows, columns]: the one that `columns` names.
  ///
  /// - Returns: Shape [rows].
  public func takeAlong(_ columns: [Int]) -> Tensor {
    precondition(
      rank == 2 && columns.count == shape[0] && columns.allSatisfy { $0 >= 0 && $0 < shape[1] },
      "takeAlong needs a matrix and one column of it per row; got shape \(shape) and "
        + "\(columns.count) columns \(columns.prefix(8))")
    let flat = columns.enumerated().map { $0 * shape[1] + $1 }
    return reshaped([elementCount, 1]).indexSelect(flat).reshaped([shape[0]])
  }
}

// MARK: - Joining

/// The tensors one after the other along `axis`.
///
/// - Precondition: There is at least one, and their shapes agree but for `axis`.
public func concatenated(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  precondition(!tensors.isEmpty, "concatenated needs at least one tensor")
  let axis = tensors[0].shape.normalized(axis: axis)
  var sizes = tensors[0].shape.dimensions
  for tensor in tensors.dropFirst() {
    var expected = sizes
    precondition(
      tensor.rank == sizes.count,
      "concatenated needs tensors of equal rank; got \(tensors.map(\.shape))")
    expected[axis] = tensor.shape[axis]
    precondition(
      tensor.shape.dimensions == expected,
      "concatenated needs shapes that agree but for axis \(axis); got \(tensors.map(\.shape))")
  }
  sizes[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
  let shapes = tensors.map(\.shape)
  let rank = sizes.count
  return joinedCopy(tensors, axis: axis, shape: TensorShape(sizes)).recorded(
    from: tensors, as: .concatenate(axis: axis)
  ) { gradient, wanted in
    var start = [Int](repeating: 0, count: rank)
    return zip(shapes, wanted).map { shape, wanted in
      defer { start[axis] += shape[axis] }
      return wanted ? croppedCopy(of: gradient, at: start, shape: shape) : nil
    }
  }
}

/// Tensors of one shape along a new axis.
public func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  precondition(!tensors.isEmpty, "stacked needs at least one tensor")
  let rank = tensors[0].rank
  let position = axis < 0 ? axis + rank + 1 : axis
  precondition(
    (0...rank).contains(position),
    "stacked needs an axis in \(-rank - 1)...\(rank) for shape \(tensors[0].shape); got \(axis)")
  return concatenated(
    tensors.map { tensor in
      var sizes = tensor.shape.dimensions
      sizes.insert(1, at: position)
      return tensor.reshaped(sizes)
    }, axis: position)
}
