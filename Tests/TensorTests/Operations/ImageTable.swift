import Tensor

extension OperationTable {
  static let pooling: [OperationCheck] =
    pools(
      "maxPool(Tensor, window:, stride:, padding:)", drawn: .distinct,
      { images, windows in
        maxPool(images, window: windows.window, stride: windows.stride, padding: windows.padding)
      }, { Twin.maxPool($0, $1) })
    + pools(
      "averagePool(Tensor, window:, stride:, padding:)",
      { images, windows in
        averagePool(
          images, window: windows.window, stride: windows.stride, padding: windows.padding)
      }, { Twin.averagePool($0, $1) })
    + [
      OperationCheck(
        "maxPool(Tensor, window:, stride:, padding:)", "stride of the window",
        on: InputShapes.images, drawn: .distinct, { maxPool($0[0], window: [3, 2]) },
        twin: { Twin.maxPool($0[0], .init(images: $0[0].shape, [3, 2], stride: [3, 2])) }),
      OperationCheck(
        "globalAveragePool(Tensor)", on: InputShapes.images, large: InputShapes.imagesLarge,
        { globalAveragePool($0[0]) },
        twin: { $0[0].reduced([1, 2], keepingAxes: true) { $0.reduce(0, +) / Double($0.count) } }),
    ]

  static let resampling: [OperationCheck] = [
    resampled([8, 8]), resampled([3, 2]), resampled([5, 9]), resampled(1), resampled([7, 4]),
  ].flatMap { $0 }

  private static func resampled(_ size: Size2D) -> [OperationCheck] {
    let name = "resized(Tensor, to:, interpolation:, antialias:)"
    return [
      OperationCheck(
        name, "bilinear to \(size)", on: InputShapes.images, large: InputShapes.imagesLarge,
        { resized($0[0], to: size) }, twin: { Twin.resizedBilinear($0[0], to: size) }),
      OperationCheck(
        name, "nearest to \(size)", on: InputShapes.images,
        { resized($0[0], to: size, interpolation: .nearest) },
        twin: { Twin.resizedNearest($0[0], to: size) }),
      OperationCheck(
        name, "bicubic to \(size)", on: InputShapes.images,
        { resized($0[0], to: size, interpolation: .bicubic) },
        twin: { Twin.resizedBicubic($0[0], to: size) }),
      OperationCheck(
        name, "averaging bilinear to \(size)", on: InputShapes.images,
        { resized($0[0], to: size, antialias: true) },
        twin: { Twin.resizedAveraging($0[0], to: size, .bilinear) }),
      OperationCheck(
        name, "averaging bicubic to \(size)", on: InputShapes.images,
        { resized($0[0], to: size, interpolation: .bicubic, antialias: true) },
        twin: { Twin.resizedAveraging($0[0], to: size, .bicubic) }),
    ]
  }

  private static func pools(
    _ name: String, drawn draw: Draw = .normal,
    _ function: @escaping @Sendable (Tensor, PoolingWindows) -> Tensor,
    _ twin: @escaping @Sendable (Twin, PoolingWindows) -> Twin
  ) -> [OperationCheck] {
    let settings: [(window: Size2D, stride: Size2D, padding: Size2D)] = [
      (2, 2, 0), (3, 2, 1), ([2, 3], [1, 2], [1, 0]), (1, 1, 0), (2, 3, 1),
      ([4, 1], [3, 1], [2, 0]),
    ]
    return settings.map { window, stride, padding in
      OperationCheck(
        name, "window \(window), stride \(stride), padding \(padding)", on: InputShapes.images,
        large: InputShapes.imagesLarge, drawn: draw,
        { function($0[0], .init(images: [], window, stride: stride, padding: padding)) },
        twin: { twin($0[0], .init(images: $0[0].shape, window, stride: stride, padding: padding)) })
    }
  }
}

extension PoolingWindows {
  init(images: [Int], _ window: Size2D, stride: Size2D, padding: Size2D = 0) {
    self.init(images: images, window: window, stride: stride, padding: padding)
  }
}
