import Nets
import Tensor

@testable import SelfSupervised

/// Two convolutions with a norm, dropout and a classifier, for images of any number of channels.
final class PlainCNN: Module {
  let conv1: Conv2d
  let norm = BatchNorm(6)
  let conv2 = Conv2d(6, 8, kernelSize: 3, stride: 2, padding: 1)
  let dropout = Dropout(0.1)
  let pool = GlobalAveragePool()
  let fc = Linear(8, 3)

  init(channels: Int = 3) {
    conv1 = Conv2d(channels, 6, kernelSize: 3, stride: 2, padding: 1)
  }

  func forward(_ x: Tensor) -> Tensor {
    let features = relu(conv2(relu(norm(conv1(x)))))
    return fc(dropout(pool(features).flattened(from: 1)))
  }
}

/// Without batch norm, and without ReLU, which lets rounding decide where an activation is nearly zero.
final class SmoothCNN: Module {
  let conv1 = Conv2d(3, 8, kernelSize: 3, stride: 2, padding: 1)
  let norm = GroupNorm(groups: 2, 8)
  let conv2 = Conv2d(8, 12, kernelSize: 3, padding: 1)
  let pool = GlobalAveragePool()
  let fc = Linear(12, 3)

  func forward(_ x: Tensor) -> Tensor {
    fc(pool(tanh(conv2(gelu(norm(conv1(x)))))).flattened(from: 1))
  }
}

/// Counts its calls.
final class Counting: Module {
  let inner: any Module
  private(set) var calls = 0

  init(_ inner: any Module) { self.inner = inner }

  func forward(_ x: Tensor) -> Tensor {
    calls += 1
    return inner(x)
  }
}

extension BYOL {
  /// A small learner of small images.
  static func small(
    _ net: any Module, imageSize: Size2D = 16, hiddenLayer: HiddenLayer = "pool",
    decay: MovingAverageDecay = 0.99, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate
  ) -> BYOL {
    BYOL(
      net, imageSize: imageSize, hiddenLayer: hiddenLayer, projectionSize: 8,
      projectionHiddenSize: 16, movingAverageDecay: decay, useMomentum: useMomentum,
      viewBatching: viewBatching, seed: 1)
  }
}

extension SimCLR {
  /// A small learner of small images.
  static func small(
    _ net: any Module, imageSize: Size2D = 16, hiddenLayer: HiddenLayer = "pool",
    head: SimCLRMethod.Head = .twoLayer, temperature: Float = 0.5, isDecoupled: Bool = false,
    viewBatching: ViewBatching = .separate
  ) -> SimCLR {
    SimCLR(
      net, imageSize: imageSize, hiddenLayer: hiddenLayer, projectionSize: 8,
      projectionHiddenSize: 16, head: head, temperature: temperature, isDecoupled: isDecoupled,
      viewBatching: viewBatching, seed: 1)
  }
}

extension NNCLR {
  /// A small learner of small images, with a queue that no batch divides.
  static func small(
    _ net: any Module, imageSize: Size2D = 16, hiddenLayer: HiddenLayer = "pool",
    variant: NNCLRMethod.Variant = .paper, queueSize: Int = 11, startsRandom: Bool = false,
    viewBatching: ViewBatching = .separate
  ) -> NNCLR {
    NNCLR(
      net, imageSize: imageSize, hiddenLayer: hiddenLayer, variant: variant, projectionSize: 8,
      projectionHiddenSize: 16, predictorHiddenSize: 16, queueSize: queueSize,
      startsRandom: startsRandom, viewBatching: viewBatching, seed: 1)
  }
}

/// The bits of every parameter and buffer.
func bits(of modules: any Module...) -> [[UInt32]] {
  modules.flatMap { module in
    (module.parameters.map(\.value) + module.buffers.map(\.value)).map {
      $0.scalars.map(\.bitPattern)
    }
  }
}
