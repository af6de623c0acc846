import Foundation

extension Tensor: CustomStringConvertible {
  /// The shape and a corner of the numbers.
  public var description: String {
    rank == 0 ? "Tensor(\(item))" : "Tensor\(shape) " + corner(of: shape.dimensions, at: 0)
  }

  /// The first three and the last entry along each axis, nested in brackets.
  private func corner(of sizes: [Int], at start: Int) -> String {
    guard let size = sizes.first else { return String(format: "%.4g", pointer[start]) }
    let rest = Array(sizes.dropFirst())
    let step = rest.reduce(1, *)
    let shown = size <= 4 ? Array(0..<size) : [0, 1, 2, size - 1]
    var parts = shown.map { corner(of: rest, at: start + $0 * step) }
    if size > 4 { parts.insert("…", at: 3) }
    return "[" + parts.joined(separator: ", ") + "]"
  }
}
