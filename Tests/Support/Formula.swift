import Foundation
import Nets
import Tensor

/// Numbers that Python and Swift compute to the same bits, so that fixtures need not hold them:
/// `formula.py`, beside this file, is the other half.
public enum Formula {
  /// The first `count` outputs of SplitMix64 from the name's key.
  public static func bits(_ name: String, _ count: Int) -> [UInt64] {
    let key = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return (0..<count).map { index in
      var z = key &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }

  /// Integers in 0 ..< 2²⁴.
  public static func integers(_ name: String, _ count: Int) -> [Int] {
    bits(name, count).map { Int($0 >> 40) }
  }

  /// Floats in -1 ..< 1, exact.
  public static func centred(_ name: String, _ count: Int) -> [Float] {
    integers(name, count).map { Float($0 - 1 << 23) * 0x1p-23 }
  }

  /// What a state's entry starts as: He-uniform weights, norms away from their defaults.
  public static func entry(_ name: String, _ shape: TensorShape, prefix: String = "") -> Tensor {
    let u = Tensor(centred(prefix + name, shape.elementCount), shape: shape)
    if name.hasSuffix("num_batches_tracked") { return .zeros(shape) }
    if name.hasSuffix("running_var") { return 1 + 0.5 * u }
    if name.hasSuffix("running_mean") || name.hasSuffix("bias") { return 0.125 * u }
    if shape.rank <= 1 { return 1 + 0.25 * u }
    return (6 / Float(shape.elementCount / shape[0])).squareRoot() * u
  }

  /// Gives every entry of a module's state the number that belongs to its name.
  public static func fill(_ module: any Module, prefix: String = "") throws {
    let entries = module.state.entries.map {
      StateDict.Entry($0.name, entry($0.name, $0.value.shape, prefix: prefix))
    }
    try module.load(StateDict(entries))
  }

  /// A view of `count` images [count, height, width, channels] in 0 ..< 1.
  ///
  /// Half of it are 4x4 patches that both views share; the rest is a colour and noise of its own.
  public static func images(
    _ name: String, view: Int, _ count: Int, size: Size2D, channels: Int = 3
  ) -> Tensor {
    let (height, width) = (size.height, size.width)
    let (rows, columns) = ((height + 3) / 4, (width + 3) / 4)
    let patches = integers(name, count * rows * columns * channels)
    let colours = integers("\(name)/\(view)/colour", count * channels)
    let noise = integers("\(name)/\(view)/noise", count * height * width * channels)
    return Tensor(shape: [count, height, width, channels]) { out in
      for index in out.indices {
        let (c, pixel) = (index % channels, index / channels)
        let (n, y, x) = (pixel / width / height, pixel / width % height, pixel % width)
        let patch = (n * rows + y / 4) * columns + x / 4
        let (shared, colour) = (patches[patch * channels + c], colours[n * channels + c])
        let total = 8 * shared + 4 * colour + 4 * noise[index]
        out[index] = Float(Double(total) * 0x1p-28)
      }
    }
  }

  /// The norm of an array and four sums of it under fixed signs, in double precision.
  public static func digest(_ values: [Float]) -> [Double] {
    let signs = bits("signs", values.count)
    let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    return [squares.squareRoot()]
      + (0..<4).map { number in
        zip(values, signs).reduce(0.0) {
          $0 + ($1.1 >> UInt64(number) & 1 == 0 ? Double($1.0) : -Double($1.0))
        }
      }
  }
}
