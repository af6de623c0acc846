import Nets
import Tensor

/// The shape of one image of a size, [height, width, channels]: with the channels that are given, those
/// that the first convolution of `net` reads, or three.
func imageShape(_ size: Size2D, channels: Int?, of net: any Module) -> Shape {
  [size.height, size.width, channels ?? inputChannels(of: net) ?? 3]
}

/// The channels that the first convolution of `net` reads.
private func inputChannels(of net: any Module) -> Int? {
  for (_, module) in net.namedModules {
    if let convolution = module as? Conv2d { return convolution.inputChannels }
    if let standardized = module as? WeightStandardized {
      return standardized.convolution.inputChannels
    }
  }
  return nil
}
