import Foundation

/// The ten shapes, each in a circle of radius 1 around the origin; y points down.
enum Outline: String, CaseIterable, Sendable {
  case circle, square, triangle, diamond, star, cross, ring, crescent, heart, arrow

  /// The distance from `point` to the edge of the shape, negative inside.
  ///
  /// Near the edge it is exact but for the tips of the crescent, which is what anti-aliasing needs.
  func signedDistance(_ point: SIMD2<Float>) -> Float {
    switch self {
    case .circle:
      return length(point) - 0.9
    case .ring:
      return abs(length(point) - 0.74) - 0.22
    case .crescent:
      // A disc less a smaller disc to its right.
      let shifted = point - SIMD2(0.08, 0)
      return max(length(shifted) - 0.95, 0.78 - length(shifted - SIMD2(0.5, 0)))
    case .square: return polygonDistance(point, Self.squareCorners)
    case .triangle: return polygonDistance(point, Self.triangleCorners)
    case .diamond: return polygonDistance(point, Self.diamondCorners)
    case .star: return polygonDistance(point, Self.starCorners)
    case .cross: return polygonDistance(point, Self.crossCorners)
    case .heart: return polygonDistance(point, Self.heartCorners)
    case .arrow: return polygonDistance(point, Self.arrowCorners)
    }
  }

  // MARK: - Corners, in order around the shape

  private static let squareCorners: [SIMD2<Float>] = [
    [-0.7, -0.7], [0.7, -0.7], [0.7, 0.7], [-0.7, 0.7],
  ]

  private static let triangleCorners: [SIMD2<Float>] = [[0, -1], [0.866, 0.5], [-0.866, 0.5]]

  private static let diamondCorners: [SIMD2<Float>] = [[0, -1], [0.56, 0], [0, 1], [-0.56, 0]]

  private static let starCorners: [SIMD2<Float>] = (0..<10).map { corner in
    let angle = Float(corner) * .pi / 5
    let radius: Float = corner.isMultiple(of: 2) ? 1 : 0.42
    return SIMD2(radius * sinf(angle), -radius * cosf(angle))
  }

  private static let crossCorners: [SIMD2<Float>] = [
    [-0.3, -0.95], [0.3, -0.95], [0.3, -0.3], [0.95, -0.3], [0.95, 0.3], [0.3, 0.3],
    [0.3, 0.95], [-0.3, 0.95], [-0.3, 0.3], [-0.95, 0.3], [-0.95, -0.3], [-0.3, -0.3],
  ]

  private static let arrowCorners: [SIMD2<Float>] = [
    [0, -1], [0.8, -0.1], [0.3, -0.1], [0.3, 0.95], [-0.3, 0.95], [-0.3, -0.1], [-0.8, -0.1],
  ]

  /// The curve x = 16 sin³t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, by 28 chords.
  private static let heartCorners: [SIMD2<Float>] = (0..<28).map { corner in
    let t = Float(corner) * .pi / 14
    let x = 16 * powf(sinf(t), 3)
    let y = 13 * cosf(t) - 5 * cosf(2 * t) - 2 * cosf(3 * t) - cosf(4 * t)
    return SIMD2(x, -y - 1.5) / 17.6
  }
}

/// The distance from `point` to the nearest edge of a polygon, negative inside.
private func polygonDistance(_ point: SIMD2<Float>, _ corners: [SIMD2<Float>]) -> Float {
  var nearest = Float.infinity
  var isInside = false
  var start = corners[corners.count - 1]
  for end in corners {
    let edge = end - start
    let offset = point - start
    let along = max(0, min(1, dot(offset, edge) / dot(edge, edge)))
    let gap = offset - edge * along
    nearest = min(nearest, dot(gap, gap))
    // Inside means that a ray to the right crosses an odd number of edges.
    if (start.y > point.y) != (end.y > point.y) {
      let crossing = start.x + edge.x * (point.y - start.y) / edge.y
      if point.x < crossing { isInside.toggle() }
    }
    start = end
  }
  return isInside ? -nearest.squareRoot() : nearest.squareRoot()
}

private func dot(_ a: SIMD2<Float>, _ b: SIMD2<Float>) -> Float { a.x * b.x + a.y * b.y }

private func length(_ a: SIMD2<Float>) -> Float { dot(a, a).squareRoot() }
