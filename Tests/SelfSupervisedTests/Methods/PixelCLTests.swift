import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

extension PixelCL {
  /// A small learner of small images, of maps of a quarter of their size.
  static func small(
    _ net: any Module = PlainCNN(), imageSize: Size2D = 16, alpha: Float = 1,
    usesPixPro: Bool = true, decay: MovingAverageDecay = 0.99,
    variant: PixelVariant = .official, augmentation: (any Augmentation)? = nil
  ) -> PixelCL {
    PixelCL(
      net, imageSize: imageSize, hiddenLayerPixel: "conv2", hiddenLayer: "pool",
      projectionSize: 8, projectionHiddenSize: 16, movingAverageDecay: decay, alpha: alpha,
      usesPixPro: usesPixPro, variant: variant, augmentation: augmentation, seed: 1)
  }
}

final class PixelCLTests: XCTestCase {
  private func images(_ size: Size2D = 16, channels: Int = 3, count: Int = 4) -> Tensor {
    Formula.images("pixelcl", view: 1, count, size: size, channels: channels)
  }

  /// Views of which the first shows the left and the second the right, with nothing in common.
  private func apart(count: Int = 4) -> PixelViews {
    let make = { Formula.images("apart", view: $0, count, size: 16) }
    let regions = [0, 10].map { left in
      [ViewRegion](
        repeating: ViewRegion(Region(top: 0, left: left, size: [16, 6]), of: 16), count: count)
    }
    return PixelViews(
      images: ViewPair(first: make(1), second: make(2)), first: regions[0], second: regions[1])
  }

  private let kinds: [(usesPixPro: Bool, variant: PixelVariant)] = [
    (true, .official), (true, .lucidrains), (false, .official), (false, .lucidrains),
  ]

  // MARK: - Construction

  func testConstructionChangesNothingOfTheNetwork() {
    let net = PlainCNN()
    net.norm.runningMean.value = Tensor(Formula.centred("mean", 6))
    net.norm.mode = .evaluation
    let (before, stream) = (bits(of: net), net.dropout.stream)
    for kind in kinds {
      _ = PixelCL.small(net, usesPixPro: kind.usesPixPro, variant: kind.variant)
    }
    XCTAssertEqual(bits(of: net), before)
    XCTAssertEqual(net.dropout.stream, stream)
    XCTAssertEqual(net.norm.mode, .evaluation)
    XCTAssertTrue(net.parameters.allSatisfy { $0.gradient == nil })
  }

  func testParametersAreCompleteFromTheStart() {
    for usesPixPro in [true, false] {
      let net = PlainCNN()
      let learner = PixelCL.small(net, usesPixPro: usesPixPro)
      let before = learner.parameters.map(ObjectIdentifier.init)
      XCTAssertEqual(before.count, net.parameters.count + 3 * 6 + (usesPixPro ? 2 : 0))
      learner(images()).backward()
      XCTAssertEqual(learner.parameters.map(ObjectIdentifier.init), before)
      for parameter in learner.parameters {
        XCTAssertEqual(parameter.gradient == nil, net.fc.parameters.contains { $0 === parameter })
      }
    }
  }

  func testDefaultsAreTheReferences() {
    let net = ResNet.resNet18(width: 4)
    let learner = PixelCL(net, imageSize: 64, seed: 1)
    XCTAssertEqual(learner.backbone.mapShape(ofLayer: 1), [2, 2, 32])
    XCTAssertEqual(learner.backbone.width, 32)
    XCTAssertEqual(learner.project(.ones([2, 64, 64, 3])).shape, [2, 256])
    XCTAssertEqual(learner.projector.parameters[0].shape, [2_048, 32])
    XCTAssertEqual(learner.parts.pixelProjector.parameters[0].shape, [2_048, 1, 1, 32])
    XCTAssertEqual(learner.parts.propagation?.gamma, 2)
    XCTAssertEqual(learner.parts.propagation?.parameters.map(\.shape), [[256, 1, 1, 256], [256]])
    XCTAssertEqual([learner.method.distanceThreshold, learner.method.temperature], [0.7, 0.3])
    XCTAssertEqual([learner.method.alpha, learner.method.crop.flipProbability], [1, 0.25])
    XCTAssertEqual(learner.method.crop.extent, .sides(0.6...0.8))
    XCTAssertEqual(learner.parts.target.decay.value(at: 7), 0.99)
  }

  // MARK: - Loss

  func testLossIsPixelsTimesAlphaAndInstances() throws {
    for kind in kinds {
      let (net, images) = (ResNet.resNet18(stem: .small, width: 4), images(count: 6))
      let values = [0, 1, 2.5].map { (alpha: Float) -> Float in
        let learner = PixelCL(
          net, imageSize: 16, hiddenLayerPixel: "layer3", projectionSize: 8,
          projectionHiddenSize: 16, alpha: alpha, usesPixPro: kind.usesPixPro,
          variant: kind.variant, seed: 1)
        net.eval()
        let loss = learner.stepLoss(on: images)
        func metric(_ name: String) -> Float { loss.metrics[name] ?? .nan }
        XCTAssertGreaterThan(metric("positive_pairs"), 0)
        XCTAssertEqual(metric("positive_share"), metric("positive_pairs") / Float(6 * 16 * 16))
        XCTAssertTrue((0...8).contains(metric("instance_loss")))
        XCTAssertTrue((-1...1).contains(metric("agreement")))
        if kind.usesPixPro {
          let agreement = metric("agreement")
          let expected = kind.variant == .official ? 4 - 4 * agreement : -agreement
          XCTAssertEqual(metric("pixel_loss"), expected, accuracy: 1e-5)
        }
        XCTAssertEqual(
          loss.item, alpha * metric("pixel_loss") + metric("instance_loss"), accuracy: 1e-5)
        return loss.item
      }
      XCTAssertEqual((values[2] - values[0]) / 2.5, values[1] - values[0], accuracy: 2e-5)
    }
  }

  /// The authors' way: pixels alone, so that the heads of whole images learn nothing.
  func testPixelsAlone() {
    let learner = PixelCL(
      PlainCNN(), imageSize: 16, hiddenLayerPixel: "conv2", hiddenLayer: "pool",
      projectionSize: 8, projectionHiddenSize: 16, instanceWeight: 0, seed: 1)
    let loss = learner.stepLoss(on: images())
    XCTAssertEqual(loss.item, loss.metrics["pixel_loss"])
    loss.backward()
    func hasGradient(_ module: any Module) -> Bool {
      module.parameters.contains { $0.gradient?.scalars.contains { $0 != 0 } == true }
    }
    XCTAssertFalse(hasGradient(learner.projector) || hasGradient(learner.parts.predictor))
    XCTAssertTrue(hasGradient(learner.parts.pixelProjector))
    XCTAssertEqual(learner.loss(apart()).item, 0)
  }

  func testStatisticsAreThoseOfPixelsToo() throws {
    let loss = PixelCL.small().stepLoss(on: images())
    XCTAssertEqual(loss.pixelProjections?.shape, [4 * 4 * 4, 8])
    XCTAssertEqual(loss.statistics.pixelStd, loss.metrics["pixel_spread"])
    XCTAssertEqual(
      loss.metrics["pixel_spread"], projectionStd(try XCTUnwrap(loss.pixelProjections)))
  }

  func testWithoutPairsTheLossIsTheInstancesAlone() {
    let views = apart()
    for kind in kinds {
      let learner = PixelCL.small(usesPixPro: kind.usesPixPro, variant: kind.variant)
      let byol = BYOL.small(learner.net)
      zip(
        learner.projector.parameters + learner.parts.predictor.parameters,
        byol.projector.parameters + byol.parts.predictor.parameters
      ).forEach { $1.value = $0.value.detached }
      byol.resetMovingAverage()
      learner.net.eval()
      let loss = learner.stepLoss(of: views)
      XCTAssertEqual(loss.metrics["positive_pairs"], 0)
      XCTAssertEqual(loss.item, byol.loss(views.pair).item)
      XCTAssertEqual(loss.metrics["instance_loss"], loss.item)
      XCTAssertEqual(loss.metrics["agreement"]?.isNaN, true)
      loss.backward()
      XCTAssertTrue(learner.parts.pixelProjector.parameters.allSatisfy { $0.gradient == nil })
      XCTAssertTrue(
        learner.parts.propagation?.parameters.allSatisfy { $0.gradient == nil } != false)
    }
  }

  func testLossIsSymmetricInItsViews() {
    for kind in kinds {
      let learner = PixelCL.small(
        SmallMaps(), usesPixPro: kind.usesPixPro, variant: kind.variant)
      let views = learner.views(of: images(count: 6))
      let swapped = PixelViews(
        images: ViewPair(first: views.pair.second, second: views.pair.first),
        first: views.second, second: views.first)
      XCTAssertNotEqual(views.first, views.second)
      XCTAssertEqual(learner.loss(views).item, learner.loss(swapped).item, accuracy: 1e-4)
    }
  }

  func testEachImageCountsForItself() {
    let learner = PixelCL.small(SmallMaps())
    for module in learner.modules { module.eval() }
    learner.parts.target.withTargetWeights { learner.modules.forEach { $0.eval() } }
    let views = learner.views(of: images(count: 4))
    let order = [2, 0, 3, 1]
    let shuffled = PixelViews(
      images: ViewPair(
        first: views.pair.first.indexSelect(order), second: views.pair.second.indexSelect(order)
      ),
      first: order.map { views.first[$0] }, second: order.map { views.second[$0] })
    XCTAssertEqual(learner.loss(views).item, learner.loss(shuffled).item, accuracy: 1e-5)
    // The regions belong to their images.
    let mixed = PixelViews(
      images: shuffled.pair, first: views.first, second: views.second)
    XCTAssertNotEqual(learner.loss(mixed).item, learner.loss(shuffled).item, accuracy: 1e-5)
  }

  func testTargetHasNoGradientAndFollows() {
    for kind in kinds {
      let learner = PixelCL.small(usesPixPro: kind.usesPixPro, variant: kind.variant)
      let before = learner.parts.target.values.map(\.scalars)
      XCTAssertEqual(before.count, learner.net.parameters.count + 12)
      let optimizer = SGD(learner.parameters, learningRate: 1)
      learner(images()).backward()
      optimizer.step()
      XCTAssertEqual(learner.parts.target.values.map(\.scalars), before)
      XCTAssertTrue(learner.parts.target.values.allSatisfy { !$0.isTracked })
      learner.updateMovingAverage()
      XCTAssertNotEqual(learner.parts.target.values.map(\.scalars), before)
      learner.resetMovingAverage()
      XCTAssertEqual(
        learner.parts.target.values.map(\.scalars),
        learner.parts.target.parameters.map { $0.value.scalars })
    }
  }

  func testNetworkRunsTwicePerView() {
    let net = Counting(PlainCNN())
    let learner = PixelCL(
      net, imageSize: 16, hiddenLayerPixel: "inner.conv2", hiddenLayer: "inner.pool",
      projectionSize: 8, projectionHiddenSize: 16)
    let before = net.calls
    learner(images()).backward()
    XCTAssertEqual(net.calls - before, 4)
  }

  /// Fifty steps on one batch: pixels of one place come to agree.
  func testAgreementRises() {
    let learner = PixelCL.small(SmallMaps(), augmentation: IdentityAugmentation())
    let optimizer = Adam(learner.parameters, learningRate: 3e-3)
    let images = images(count: 16)
    var (agreements, deviation) = ([Float](), Float.nan)
    for _ in 0..<50 {
      optimizer.zeroGradients()
      let loss = learner.stepLoss(on: images)
      loss.backward()
      optimizer.step()
      learner.updateMovingAverage()
      agreements.append(loss.metrics["agreement"] ?? .nan)
      deviation = loss.statistics.projectionStd
    }
    let (first, last) = (agreements.prefix(5).reduce(0, +), agreements.suffix(5).reduce(0, +))
    XCTAssertGreaterThan(last / 5, first / 5 + 0.2)
    XCTAssertGreaterThan(deviation, 0.05)
  }

  func testCollapsedPixelsAreSeen() throws {
    let learner = PixelCL.small(SmallMaps())
    func deviation() throws -> Float {
      try XCTUnwrap(learner.stepLoss(on: images(count: 16)).statistics.pixelStd)
    }
    XCTAssertGreaterThan(try deviation(), 0.05)
    // Without weights the last layer's bias is every pixel's projection.
    let last = learner.parts.pixelProjector.parameters[4]
    last.value = .zeros(last.shape)
    XCTAssertLessThan(try deviation(), 1e-3)
  }

  // MARK: - Any network

  func testImagesThatAreNotSquare() {
    for kind in kinds {
      let learner = PixelCL.small(
        imageSize: [64, 96], usesPixPro: kind.usesPixPro, variant: kind.variant)
      XCTAssertEqual(learner.backbone.mapShape(ofLayer: 1), [16, 24, 8])
      let loss = learner.stepLoss(on: images([64, 96], count: 2))
      checkParts(of: loss)
      XCTAssertEqual(loss.pixelProjections?.shape, [2 * 16 * 24, 8])
      loss.backward()
      checkGradients(learner)
    }
  }

  func testGreyscaleAndFiveChannels() {
    for channels in [1, 5] {
      let learner = PixelCL.small(PlainCNN(channels: channels))
      let loss = learner.stepLoss(on: images(channels: channels))
      checkParts(of: loss)
      loss.backward()
      checkGradients(learner)
    }
  }

  /// There are pairs, and the loss is the sum of its parts.
  private func checkParts(of loss: StepLoss) {
    XCTAssertGreaterThan(loss.metrics["positive_pairs"] ?? 0, 0)
    let parts = ["pixel_loss", "instance_loss"].compactMap { loss.metrics[$0] }
    XCTAssertEqual(loss.item, parts.reduce(0, +), accuracy: 1e-5)
  }

  /// All but the classifier behind the tapped layers have a finite one, and the first layer learns.
  private func checkGradients(_ learner: PixelCL) {
    let classifier = (learner.net as? PlainCNN)?.fc.parameters ?? []
    for parameter in learner.parameters {
      let isBehind = classifier.contains { $0 === parameter }
      XCTAssertEqual(parameter.gradient?.norm().item.isFinite, isBehind ? nil : true)
    }
    XCTAssertGreaterThan(learner.net.parameters[0].gradient?.norm().item ?? 0, 0)
  }

  /// Images larger than the views are cropped from where they are.
  func testImagesMayBeLargerThanViews() {
    let learner = PixelCL.small(imageSize: [16, 24])
    let views = learner.views(of: images([50, 40]))
    XCTAssertEqual(views.pair.first.shape, [4, 16, 24, 3])
    XCTAssertTrue(views.first.allSatisfy { $0.imageSize == [50, 40] })
    checkParts(of: learner.stepLoss(of: views))
  }

  // MARK: - Representation

  func testRepresentsOneImageAndChangesNothing() {
    let net = PlainCNN()
    let learner = PixelCL.small(net)
    _ = learner(images())
    let before = bits(of: net, learner.projector, learner.parts.pixelProjector)
    let (one, all) = (
      learner.representPixels(images()[0..<1]), learner.representPixels(images())
    )
    XCTAssertEqual(one.embedding.shape, [1, 4, 4, 8])
    XCTAssertEqual(one.projection.shape, [1, 4, 4, 8])
    XCTAssertLessThan(relativeError(one.projection.scalars, all.projection[0..<1].scalars), 1e-5)
    XCTAssertEqual(learner.represent(images()).embedding.shape, [4, 8])
    XCTAssertFalse(all.projection.isTracked || all.embedding.isTracked)
    XCTAssertEqual(bits(of: net, learner.projector, learner.parts.pixelProjector), before)
    XCTAssertEqual(net.norm.mode, .training)
  }

  // MARK: - Saving

  func testLearnerGoesOnBitForBitFromItsState() throws {
    for kind in kinds {
      let make = {
        PixelCL.small(
          SmallMaps(), usesPixPro: kind.usesPixPro, decay: .cosine(from: 0.5, steps: 9),
          variant: kind.variant)
      }
      let (first, second) = (make(), make())
      _ = first.losses(ofSteps: 3, on: images())
      try withTemporaryFolder { folder in
        try first.save(to: folder + "/learner.safetensors")
        try second.load(from: folder + "/learner.safetensors")
      }
      XCTAssertEqual(second.parts.target.step, 3)
      XCTAssertEqual(
        second.losses(ofSteps: 3, on: images()), first.losses(ofSteps: 3, on: images()))
    }
  }

  func testStateOfAnotherKindIsRefused() {
    let (pixPro, contrast) = (PixelCL.small(), PixelCL.small(usesPixPro: false))
    XCTAssertThrowsError(try contrast.load(pixPro.state)) { error in
      XCTAssertTrue("\(error)".contains("propagation"), "\(error)")
    }
    XCTAssertThrowsError(try pixPro.load(contrast.state))
  }
}

/// Two convolutions with norms, of a quarter of the image's size, without chance of their own.
private final class SmallMaps: Module {
  let conv1 = Conv2d(3, 8, kernelSize: 3, stride: 2, padding: 1)
  let norm1 = BatchNorm(8)
  let conv2 = Conv2d(8, 12, kernelSize: 3, stride: 2, padding: 1)
  let norm2 = BatchNorm(12)
  let pool = GlobalAveragePool()
  let fc = Linear(12, 3)

  func forward(_ x: Tensor) -> Tensor {
    fc(pool(relu(norm2(conv2(relu(norm1(conv1(x))))))).flattened(from: 1))
  }
}
