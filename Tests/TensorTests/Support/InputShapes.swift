/// Sets of input shapes that several operations are tried on.
enum InputShapes {
  static let one: [[[Int]]] = [[[]], [[7]], [[3, 5]], [[1, 4, 1]], [[2, 3, 1, 4]], [[1]]]
  static let oneLarge: [[[Int]]] = [[[33_001]]]

  /// Pairs that broadcast, each way round.
  static let pairs: [[[Int]]] = [
    [[3, 4], [3, 4]], [[3, 4], [4]], [[5], [2, 5]], [[3, 1], [1, 4]], [[], [2, 3]],
    [[2, 3, 4], [3, 1]], [[2, 1, 3], [4, 1]], [[1], [1]], [[2, 3, 2, 3], [2, 1, 2, 1]],
    [[1, 1, 3], [4, 2, 3]], [[2, 3], [1, 1]],
  ]
  static let pairsLarge: [[[Int]]] = [
    [[33_001], [33_001]], [[600, 64], [64]], [[20, 1_700], [20, 1]], [[], [33_001]],
    [[150, 1, 16], [16, 1]],
  ]

  /// At least one axis, for operations along the last.
  static let rows: [[[Int]]] = [
    [[5]], [[3, 4]], [[1, 6]], [[2, 1, 5]], [[2, 3, 2, 3]], [[4, 17]],
  ]
  static let rowsLarge: [[[Int]]] = [[[300, 131]]]

  /// At least two axes.
  static let matrices: [[[Int]]] = [[[3, 4]], [[1, 6]], [[6, 1]], [[2, 3, 5]], [[2, 1, 3, 4]]]
  static let matricesLarge: [[[Int]]] = [[[130, 7, 40]]]

  /// [count, height, width, channels].
  static let images: [[[Int]]] = [
    [[1, 4, 4, 1]], [[2, 5, 3, 2]], [[1, 7, 4, 3]], [[2, 4, 6, 1]], [[3, 6, 5, 2]],
  ]
  static let imagesLarge: [[[Int]]] = [[[9, 21, 33, 8]]]
}
