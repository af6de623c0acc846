import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Every learner around networks of every kind: it steps, what it trains moves, nothing else does.
final class AnyNetworkTests: XCTestCase {
  /// Makes a learner around a network, with small heads.
  private typealias Make = (any Module, TensorShape, HiddenLayer, any Augmentation) -> any Learner

  private let learners: [Make] = [
    {
      BYOL(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        augmentation: $3, secondAugmentation: $3, seed: 1)
    },
    {
      BYOL(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        useMomentum: false, augmentation: $3, secondAugmentation: $3, seed: 1)
    },
    {
      SimCLR(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        augmentation: $3, secondAugmentation: $3, seed: 1)
    },
    {
      NNCLR(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        predictorHiddenSize: 16, queueSize: 20, augmentation: $3, secondAugmentation: $3, seed: 1)
    },
    {
      MoCo(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        queueSize: 20, augmentation: $3, seed: 1)
    },
    {
      DINO(
        $0, inputShape: $1, hiddenLayer: $2, prototypeCount: 12, projectionSize: 8,
        projectionHiddenSize: 16, augmentation: $3, seed: 1)
    },
    {
      BarlowTwins(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, augmentation: $3,
        secondAugmentation: $3, seed: 1)
    },
    {
      VICReg(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, augmentation: $3,
        secondAugmentation: $3, seed: 1)
    },
    {
      LeJEPA(
        $0, inputShape: $1, hiddenLayer: $2, projectionSize: 8, projectionHiddenSize: 16,
        sliceCount: 20, augmentation: $3, seed: 1)
    },
  ]

  /// How to ask for a child of a network: by its name, by its number from either end, as itself.
  private let ways: [(_ name: String, _ net: any Module) -> HiddenLayer] = [
    { name, _ in .name(name) },
    { name, net in .index(position(of: name, in: net)) },
    { name, net in .index(position(of: name, in: net) - net.children.count) },
    { name, net in .module(net.children[position(of: name, in: net)].module) },
  ]

  /// Every learner around a network, asked in every way for its layers.
  ///
  /// - Parameters:
  ///   - shape: The shape of one input.
  ///   - layer: The tapped child of a network; the last one counted from the end is the output.
  ///   - map: The child that ``PixelCL`` takes a map of; without one there is no such learner.
  ///   - unmoved: The names of parameters that stay: behind the tap, or frozen.
  ///   - augmentation: How views are drawn.
  ///   - net: Makes a network.
  private func check(
    _ shape: TensorShape, at layer: String, map: String? = nil, unmoved: Set<String>,
    _ augmentation: any Augmentation = Brightness(), _ net: () -> any Module
  ) {
    for way in ways {
      for make in learners {
        let net = withRandomSeed(5, net)
        checkSteps(make(net, shape, way(layer, net), augmentation), shape, unmoved: unmoved)
      }
      guard let map else { continue }
      let net = withRandomSeed(5, net)
      let learner = PixelCL(
        net, imageSize: Size2D(height: shape[0], width: shape[1]), hiddenLayerPixel: way(map, net),
        hiddenLayer: way(layer, net), projectionSize: 8, projectionHiddenSize: 16,
        augmentation: augmentation, seed: 1)
      checkSteps(learner, shape, unmoved: unmoved)
    }
  }

  /// Two steps, of which the second moves MoCo's network, for its queue was empty.
  private func checkSteps(_ learner: some Learner, _ shape: TensorShape, unmoved: Set<String>) {
    let net = learner.net
    let inputs = formula("inputs", TensorShape([6] + shape.dimensions))
    let before = net.namedParameters.map(\.parameter.value.scalars)
    let losses = learner.losses(ofSteps: 2, on: inputs)
    XCTAssertTrue(losses.allSatisfy(\.isFinite), "\(type(of: learner)): \(losses)")
    for ((name, parameter), old) in zip(net.namedParameters, before) {
      let label = "\(type(of: learner)): \(name)"
      // A bias in front of a batch norm has a gradient that may be zero.
      XCTAssertEqual(parameter.gradient == nil, unmoved.contains(name), label)
      if unmoved.contains(name) { XCTAssertEqual(parameter.value.scalars, old, label) }
    }
    XCTAssertNotEqual(net.namedParameters.map(\.parameter.value.scalars), before)
    XCTAssertEqual(learner.represent(inputs[0..<1]).projection.shape, [1, 8])
  }

  private let classifier: Set<String> = ["fc.weight", "fc.bias"]

  func testPlainNetwork() {
    check([16, 16, 3], at: "pool", map: "conv2", unmoved: classifier) { PlainCNN() }
  }

  func testTheLastLayer() {
    check([16, 16, 3], at: "fc", map: "conv1", unmoved: []) { PlainCNN() }
  }

  func testResidualNetworkOfOtherChannelsAndImagesThatAreNotSquare() {
    let shapes: [(Int, TensorShape)] = [(1, [16, 16, 1]), (5, [16, 24, 5]), (3, [64, 96, 3])]
    for (channels, shape) in shapes {
      check(shape, at: "avgpool", map: "layer3", unmoved: classifier) {
        ResNet.resNet10(stem: .small, width: 4, inputChannels: channels)
      }
    }
  }

  func testGroupNormAndStandardizedWeights() {
    check([16, 16, 3], at: "avgpool", map: "layer3", unmoved: classifier) {
      ResNet.resNet10(stem: .small, width: 4, norm: .groupStandardized(2))
    }
  }

  func testDecoderOfAUNet() {
    check([16, 16, 3], at: "up", map: "up", unmoved: ["head.weight", "head.bias"]) { SmallUNet() }
  }

  func testDropoutBehindTheTap() {
    check([16, 16, 3], at: "dropout", map: "norm", unmoved: classifier) { PlainCNN() }
  }

  func testFrozenPartsStay() {
    let frozen = classifier.union(["conv1.weight", "conv1.bias", "norm.weight", "norm.bias"])
    check([16, 16, 3], at: "pool", map: "conv2", unmoved: frozen) {
      let net = PlainCNN()
      for parameter in net.conv1.parameters + net.norm.parameters { parameter.isTrainable = false }
      net.norm.isFrozen = true
      return net
    }
  }

  func testVectorsWithAClosure() {
    let noise = LambdaAugmentation { vector, stream in
      XCTAssertEqual(vector.pixels.shape, [1, 1, 20])
      return PixelImage(vector.pixels + 0.1 * .normal(vector.pixels.shape, using: &stream))
    }
    let taps: [(String, Set<String>)] = [("3", []), ("2", ["3.weight", "3.bias"])]
    for (layer, unmoved) in taps {
      check([20], at: layer, unmoved: unmoved, noise) { MLP([20, 32, 10], batchNorm: true) }
    }
  }

  func testSignalsWithAClosure() {
    let shift = LambdaAugmentation { signal, stream in
      let start = stream.integer(in: 0..<5)
      let parts = [signal.pixels.permuted([1, 0, 2])[start..<12]]
      let cut = concatenated(parts + [.zeros([start, 1, 2])])
      return PixelImage(cut.permuted([1, 0, 2]))
    }
    check([12, 2], at: "pool", unmoved: classifier, shift) { SignalNet() }
  }
}

/// The number of a child of a network.
private func position(of child: String, in net: any Module) -> Int {
  guard let position = net.children.firstIndex(where: { $0.name == child }) else {
    preconditionFailure("the network has no child \(child); it has \(net.children.map(\.name))")
  }
  return position
}

/// Brightness of each image by chance.
private struct Brightness: Augmentation {
  func callAsFunction(_ image: consuming PixelImage, using stream: inout RandomStream) -> PixelImage
  {
    PixelImage(image.pixels * stream.uniform(in: Float(0.5)...1.5))
  }
}

/// Down and up again, with a connection across.
private final class SmallUNet: Module {
  let enter = Conv2d(3, 6, kernelSize: 3, padding: 1)
  let down = Conv2d(6, 12, kernelSize: 3, stride: 2, padding: 1)
  let norm = BatchNorm(12)
  let up = ConvTranspose2d(12, 6, kernelSize: 2, stride: 2)
  let head = Conv2d(12, 2, kernelSize: 1)

  func forward(_ images: Tensor) -> Tensor {
    let fine = relu(enter(images))
    let coarse = relu(norm(down(fine)))
    return head(concatenated([fine, up(coarse)], axis: 3))
  }
}

/// A convolution along signals [count, length, channels].
private final class SignalNet: Module {
  let conv = Conv2d(2, 8, kernelSize: [1, 3], padding: [0, 1])
  let norm = BatchNorm(8)
  let pool = GlobalAveragePool()
  let fc = Linear(8, 3)

  func forward(_ signals: Tensor) -> Tensor {
    let (count, length) = (signals.shape[0], signals.shape[1])
    let rows = signals.reshaped([count, 1, length, 2])
    return fc(pool(relu(norm(conv(rows)))).flattened(from: 1))
  }
}
