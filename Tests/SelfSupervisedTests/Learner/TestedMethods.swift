import Foundation
import Nets
import Tensor

@testable import SelfSupervised

protocol PartsVisible { var modulesAndParts: [any Stateful] { get } }

extension MethodLearner: PartsVisible {
  var modulesAndParts: [any Stateful] { namedParts.map(\.part) }
}

extension Learner {
  /// The network, and everything that the method put behind it.
  var modulesAndParts: [any Stateful] {
    (self as? any PartsVisible)?.modulesAndParts ?? []
  }
}

/// A convolution, batch norm and, if asked for, dropout, for images of any size.
final class TinyNet: Module {
  let conv: Conv2d
  let norm = BatchNorm(6)
  let pool = GlobalAveragePool()
  let dropout: any Module
  let features = Identity()
  let fc: Linear

  init(dropout: Float = 0, seed: UInt64 = 1) {
    (conv, fc) = withRandomSeed(seed) {
      (Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1), Linear(6, 2))
    }
    let stream = RandomStream(seed: seed)
    self.dropout = dropout > 0 ? Dropout(dropout, using: stream) as any Module : Identity()
  }

  func forward(_ x: Tensor) -> Tensor {
    fc(features(dropout(pool(relu(norm(conv(x)))).flattened(from: 1))))
  }
}

/// One of the package's methods around a small network.
struct TestedMethod {
  let name: String
  var hasTarget = false
  var hasMemory = false
  let make: (TinyNet) -> any Learner
}

/// Every method, and every variant of it whose steps leave other traces.
func methods() -> [TestedMethod] {
  [
    TestedMethod(name: "BYOL", hasTarget: true) { byol($0) },
    TestedMethod(name: "BYOL without momentum") { byol($0, useMomentum: false) },
    TestedMethod(name: "SimSiam") {
      SimSiam(
        $0, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
        seed: 2)
    },
    TestedMethod(name: "SimCLR") {
      SimCLR(
        $0, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
        seed: 2)
    },
    TestedMethod(name: "NNCLR", hasMemory: true) { nnclr($0, .paper, queueSize: 11) },
    TestedMethod(name: "NNCLR of Keras", hasMemory: true) { nnclr($0, .keras, queueSize: 11) },
    TestedMethod(name: "MoCo", hasTarget: true, hasMemory: true) {
      moco($0, isSymmetric: false, queueSize: 11)
    },
    TestedMethod(name: "MoCo, symmetric", hasTarget: true, hasMemory: true) {
      moco($0, isSymmetric: true, queueSize: 11)
    },
    TestedMethod(name: "DINO", hasTarget: true) { dino($0) },
    TestedMethod(name: "BarlowTwins") {
      BarlowTwins(
        $0, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
        seed: 2)
    },
    TestedMethod(name: "VICReg") {
      VICReg(
        $0, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
        seed: 2)
    },
    TestedMethod(name: "LeJEPA") {
      LeJEPA(
        $0, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
        sliceCount: 20, seed: 2)
    },
    TestedMethod(name: "Distillation from a live teacher", hasMemory: true) { distillation($0) },
    TestedMethod(name: "PixelCL", hasTarget: true) { pixelCL($0, usesPixPro: true) },
    TestedMethod(name: "PixelCL without PixPro", hasTarget: true) {
      pixelCL($0, usesPixPro: false)
    },
  ]
}

func byol(_ net: TinyNet, useMomentum: Bool = true) -> BYOL {
  BYOL(
    net, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
    movingAverageDecay: 0.75, useMomentum: useMomentum, seed: 2)
}

/// With larger weights than DINO's: a step on features as few as these would leave no gradient.
func dino(_ net: TinyNet) -> DINO {
  let learner = DINO(
    net, imageSize: 12, hiddenLayer: "features", prototypeCount: 10, projectionSize: 8,
    projectionHiddenSize: 8, movingAverageDecay: 0.75, seed: 2)
  for parameter in learner.projector.parameters { parameter.value = parameter.value * 20 }
  learner.resetMovingAverage()
  return learner
}

func distillation(_ net: TinyNet) -> Distillation {
  let teacher = TeacherNetwork(
    TinyNet(seed: 7), hiddenLayer: "features", imageSize: 12, normalization: nil)
  return Distillation(
    net, teacher: .live(teacher), imageSize: 12, hiddenLayer: "features", queueSize: 11, seed: 2)
}

func nnclr(_ net: TinyNet, _ variant: NNCLRMethod.Variant, queueSize: Int) -> NNCLR {
  NNCLR(
    net, imageSize: 12, hiddenLayer: "features", variant: variant, projectionSize: 8,
    projectionHiddenSize: 8, predictorHiddenSize: 8, queueSize: queueSize, seed: 2)
}

func moco(_ net: TinyNet, isSymmetric: Bool, queueSize: Int) -> MoCo {
  MoCo(
    net, imageSize: 12, hiddenLayer: "features", projectionSize: 8, projectionHiddenSize: 8,
    queueSize: queueSize, movingAverageDecay: 0.75, isSymmetric: isSymmetric, seed: 2)
}

func pixelCL(_ net: TinyNet, usesPixPro: Bool) -> PixelCL {
  PixelCL(
    net, imageSize: 12, hiddenLayerPixel: "conv", hiddenLayer: "features", projectionSize: 8,
    projectionHiddenSize: 8, movingAverageDecay: 0.75, usesPixPro: usesPixPro, seed: 2)
}
