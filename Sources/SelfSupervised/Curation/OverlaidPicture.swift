import Foundation
import Tensor

/// A small picture that can be laid over another one, enlarged, moved and brightened until both
/// differ as little as they can.
struct OverlaidPicture {
  let height: Int
  let width: Int
  let channels: Int
  /// Shape [height, width, channels], blurred: what recompression changes are single pixels.
  private let colors: [Float]
  /// Shape [height, width]: the mean of the channels, and how it grows to the right and downwards.
  private let gray: [Float]
  private let rightward: [Float]
  private let downward: [Float]

  /// A picture of 2 by 2 pixels or more, of shape [height, width, channels] and values 0...1.
  init(_ pixels: [Float], height: Int, width: Int, channels: Int) {
    (self.height, self.width, self.channels) = (height, width, channels)
    let colors = Self.blurred(pixels, height, width, channels)
    let gray = (0..<height * width).map { place in
      (0..<channels).reduce(Float(0)) { $0 + colors[place * channels + $1] } / Float(channels)
    }
    (self.colors, self.gray) = (colors, gray)
    rightward = gray.indices.map { place in
      let column = place % width
      return (gray[column < width - 1 ? place + 1 : place] - gray[column > 0 ? place - 1 : place])
        / 2
    }
    downward = gray.indices.map { place in
      let row = place / width
      return
        (gray[row < height - 1 ? place + width : place] - gray[row > 0 ? place - width : place])
        / 2
    }
  }

  /// The binomial (1, 2, 1) / 4 along both axes, without what lies outside.
  private static func blurred(
    _ pixels: [Float], _ height: Int, _ width: Int, _ channels: Int
  ) -> [Float] {
    func pass(_ values: [Float], _ count: Int, _ stride: Int) -> [Float] {
      values.indices.map { index in
        let place = index / stride % count
        let before = place > 0 ? values[index - stride] : values[index]
        let after = place < count - 1 ? values[index + stride] : values[index]
        return (before + 2 * values[index] + after) / 4
      }
    }
    return pass(pass(pixels, width, channels), height, width * channels)
  }
}

// MARK: - How two differ

extension OverlaidPicture {
  /// Where a point of this picture lies in another one: scaled about the middle, then moved.
  fileprivate struct Placement {
    var scale = SIMD2<Float>(1, 1)
    var shift = SIMD2<Float>(0, 0)
  }

  /// How much `other` differs from this picture where both show the same: the root of the share of
  /// its variance that this picture, enlarged, reduced or moved by a few hundredths and made brighter
  /// or darker, does not explain.
  ///
  /// 0 for the same picture; about 1 or more for pictures that have nothing in common. A pair that
  /// differs by several times `limit` is given up early.
  func difference(from other: OverlaidPicture, limit: Float) -> Float {
    var placement = Placement()
    for round in 0..<Self.mostRounds {
      guard let step = step(at: placement, over: other) else { break }
      // Later rounds move by fractions of a pixel.
      guard round < 3 || step.difference < 4 * limit else { return step.difference }
      let moved = placement.moved(by: step.change, side: Float(max(height, width)))
      let distance = max(
        (moved.shift - placement.shift).largest,
        (moved.scale - placement.scale).largest * Float(max(height, width)) / 2)
      placement = moved
      if distance < 0.02 { break }
    }
    // Where brightness was cut off, the fit may have led astray.
    return min(
      difference(at: placement, from: other), difference(at: Placement(), from: other))
  }

  private static let mostRounds = 12

  /// What moving the placement a little would bring, by least squares (Lucas and Kanade, 1981): other
  /// + slopes · change = gain · this + offset.
  private func step(
    at placement: Placement, over other: OverlaidPicture
  ) -> (change: [Double], difference: Float)? {
    var equations = NormalEquations(unknowns: 6)
    var row = [Double](repeating: 0, count: 6)
    forPoints(of: other, at: placement) { place, point, x, y in
      let value = Double(other.sample(other.gray, point))
      let (slopeX, slopeY) = (
        Double(other.sample(other.rightward, point)), Double(other.sample(other.downward, point))
      )
      row[0] = slopeX * Double(x)
      row[1] = slopeY * Double(y)
      row[2] = slopeX
      row[3] = slopeY
      row[4] = -Double(gray[place])
      row[5] = -1
      equations.add(row, -value)
    }
    guard equations.count * 2 > height * width, let change = equations.solution else { return nil }
    return (change, equations.difference(of: change, noise: Double(Overlap.noise)))
  }

  /// What is left of the difference but for brightness, which one of both may have cut off.
  private func difference(at placement: Placement, from other: OverlaidPicture) -> Float {
    var overlap = Overlap(width: width, channels: channels)
    forPoints(of: other, at: placement) { place, point, _, _ in
      overlap.places.append(place)
      for channel in 0..<channels {
        overlap.values.append(colors[place * channels + channel])
        overlap.others.append(other.sample(other.colors, point, channel))
      }
    }
    guard overlap.places.count * 2 > height * width else { return 1 }
    return min(overlap.difference, overlap.swapped.difference)
  }

  /// Calls `body` with each pixel of this picture, what it lies on in the other one, and its
  /// distance from the middle.
  private func forPoints(
    of other: OverlaidPicture, at placement: Placement,
    _ body: (_ place: Int, _ point: SIMD2<Float>, _ x: Float, _ y: Float) -> Void
  ) {
    let middle = SIMD2(Float(width - 1) / 2, Float(height - 1) / 2)
    let end = SIMD2(Float(width - 1), Float(height - 1))
    for row in 0..<height {
      let y = Float(row) - middle.y
      let pointY = middle.y + placement.scale.y * y + placement.shift.y
      guard pointY >= 0, pointY <= end.y else { continue }
      for column in 0..<width {
        let x = Float(column) - middle.x
        let pointX = middle.x + placement.scale.x * x + placement.shift.x
        guard pointX >= 0, pointX <= end.x else { continue }
        body(row * width + column, SIMD2(pointX, pointY), x, y)
      }
    }
  }

  /// The value between four pixels.
  private func sample(_ values: [Float], _ point: SIMD2<Float>, _ channel: Int? = nil) -> Float {
    let (step, first) = channel.map { (channels, $0) } ?? (1, 0)
    let (column, row) = (min(Int(point.x), width - 2), min(Int(point.y), height - 2))
    let (right, down) = (point.x - Float(column), point.y - Float(row))
    let place = (row * width + column) * step + first
    let above = values[place] * (1 - right) + values[place + step] * right
    let below =
      values[place + width * step] * (1 - right) + values[place + (width + 1) * step] * right
    return above * (1 - down) + below * down
  }
}

extension OverlaidPicture.Placement {
  fileprivate static let (mostScaling, mostShift): (Float, Float) = (0.07, 0.06)

  fileprivate func moved(by change: [Double], side: Float) -> Self {
    var moved = self
    // A long step leads out of where the slopes mean anything.
    moved.scale += SIMD2(Float(change[0]), Float(change[1])).clamped(to: 0.05)
    moved.shift += SIMD2(Float(change[2]), Float(change[3])).clamped(to: 1.5)
    moved.scale = (moved.scale - 1).clamped(to: Self.mostScaling) + 1
    moved.shift = moved.shift.clamped(to: side * Self.mostShift)
    return moved
  }
}

extension SIMD2<Float> {
  fileprivate var largest: Float { Swift.max(abs(x), abs(y)) }

  fileprivate func clamped(to limit: Float) -> Self {
    self.clamped(lowerBound: Self(repeating: -limit), upperBound: Self(repeating: limit))
  }
}
