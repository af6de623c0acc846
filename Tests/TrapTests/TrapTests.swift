import Datasets
import SelfSupervised
import Testing
import Training

/// A mistake of the caller stops the program, and the message says what was needed and what came.
///
/// Each test runs in a process of its own, in the release build too:
/// `swift test -c release --disable-xctest --filter TrapTests`.
@Suite struct TrapTests {
  @Test func assignedWeightsNameResetMovingAverage() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let net = SmallNet()
      let learner = smallBYOL(net)
      takeStep(learner)
      net.conv.weight.value = net.conv.weight.value * 2
      _ = learner(images())
    }
    expect(result, says: "call resetMovingAverage() after loading weights")
  }

  @Test func assignedWeightsAreTakenAfterTheReset() async {
    await #expect(processExitsWith: .success) {
      let net = SmallNet()
      let learner = smallBYOL(net)
      takeStep(learner)
      net.conv.weight.value = net.conv.weight.value * 2
      learner.resetMovingAverage()
      _ = learner(images())
    }
  }

  @Test func unknownHiddenLayerNamesTheClosest() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = BYOL(SmallNet(), imageSize: 12, hiddenLayer: "poll")
    }
    expect(result, says: "no hidden layer is called \"poll\"; did you mean \"pool\"?")
  }

  @Test func anExportSaysWhatTheNetworkRanOn() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try SmallNet().exportONNX(to: "/nowhere/net.onnx", imageSize: 12, inputChannels: 1)
    }
    expect(
      result,
      says: "the network ran on numbers of shape [2, 12, 12, 1], as imageSize, inputChannels")
  }

  @Test func pixelsNeedAMap() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = PixelCL(SmallNet(), imageSize: 12, hiddenLayerPixel: "pool", hiddenLayer: "pool")
    }
    expect(result, says: "[count, height, width, channels] of more than one pixel")
    expect(result, says: "tap a layer in front of the pooling")
  }

  @Test func oneImageUnderBatchNorm() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(images(count: 1))
    }
    expect(result, says: "needs at least 2 images in training, for batch norm", "got 1")
  }

  @Test func replacedLayerStopsTheNextPass() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let net = SmallNet()
      let learner = smallBYOL(net)
      net.pool = GlobalAveragePool()
      _ = learner(images())
    }
    expect(result, says: "of type GlobalAveragePool was never called; was it replaced")
  }

  @Test func stepWithoutGradientsNamesTheOrder() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let learner = smallBYOL(SmallNet())
      let optimizer = SGD(learner.parameters, learningRate: 0.1)
      learner(images()).backward()
      optimizer.zeroGradients()
      optimizer.step()
    }
    expect(result, says: "the order is zeroGradients(), backward(), step()")
  }

  @Test func chunksNeedALossOfProjections() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let learner = smallBYOL(SmallNet())
      let trainer = Trainer(
        learner, optimizer: SGD(learner.parameters, learningRate: 0.1),
        loader: DataLoader(MockDataset(imageSize: 12, length: 8), batchSize: 4), stepCount: 1)
      trainer.chunkSize = 2
      try trainer.run()
    }
    expect(result, says: "a chunkSize needs a learner whose loss is one of two views' projections")
  }

  @Test func learnerNeedsAShapeOfInputs() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = BYOL(SmallNet(), hiddenLayer: "pool")
    }
    expect(result, says: "needs imageSize:", "got no imageSize and no inputShape")
  }

  @Test func checkpointsHaveNoNegativeStep() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let learner = smallBYOL(SmallNet())
      _ = Checkpoint(learner, SGD(learner.parameters, learningRate: 0.1), step: -3)
    }
    expect(result, says: "Checkpoint needs a step in 0...2^40; got -3")
  }

  @Test func threadsAreAtLeastOne() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Threads.count = 0
    }
    expect(result, says: "Threads.count needs at least 1; got 0")
  }

  @Test func matrixProductsNeedOneInnerDimension() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = matmul(.zeros([2, 3]), .zeros([4, 5]))
    }
    expect(result, says: "matmul needs shapes [m, k] and [k, n]", "got [2, 3] and [4, 5]")
  }

  @Test func labelsAreAsManyAsImages() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet()).stepLoss(on: images(), labels: [0, 1, 2])
    }
    expect(result, says: "needs a label for each image", "got 3 for 4")
  }
}

extension TrapTests {
  /// Images of bytes, normalised ones, those of -1...1, broken ones, and channels first.
  @Test func imagesOutsideTheRangeNameTheRemedy() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(Tensor.full(255, [4, 12, 12, 3]))
    }
    expect(
      result, says: "needs images with values 0...1; got values from 255.0 to 255.0: divide by 255")
  }

  @Test func normalizedImagesNameTheRemedy() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(Normalize.imageNet(images()))
    }
    expect(result, says: "needs images with values 0...1", "leave out the normalization")
  }

  @Test func imagesAroundZeroNameTheRemedy() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(images() * 2 - 1)
    }
    expect(result, says: "-1...1 becomes 0...1 by 0.5 * images + 0.5")
  }

  @Test func brokenImagesAreToBlame() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(images() * .nan)
    }
    expect(result, says: "NaN or infinite: the images are to blame, not the training")
  }

  @Test func channelsFirstNamesTheCallersShape() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = smallBYOL(SmallNet())(Tensor.zeros([8, 3, 32, 32]))
    }
    expect(result, says: "got [8, 3, 32, 32]", "images.permuted([0, 2, 3, 1])")
  }

  @Test func hiddenCallsAreNamed() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = BYOL(HidingNet(), imageSize: 12, hiddenLayer: "conv")
    }
    expect(
      result, says: "the hidden layer \"conv\" of type Conv2d was never called", "these were: fc",
      "layer.forward(x) is not seen")
  }

  @Test func wrongImageSizeIsMentioned() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let net = Sequential {
        Conv2d(3, 2, kernelSize: 3, padding: 1)
        Flatten()
        Linear(2 * 12 * 12, 4)
      }
      _ = BYOL(net, imageSize: 24, hiddenLayer: -1)
    }
    expect(
      result, says: "linear needs inputs", "ran on zeros of shape [2, 24, 24, 3], as imageSize")
  }

  @Test func aBankOfBrokenFeaturesHasNoNeighbors() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = WeightedKNN(Tensor([1, .nan, 2, 3], shape: [2, 2]), labels: [0, 1])
    }
    expect(
      result, says: "WeightedKNN needs features that are finite", "a training that has diverged")
  }

  @Test func brokenQueriesHaveNoNeighbors() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let knn = WeightedKNN(Tensor([1, 1, 2, 3], shape: [2, 2]), labels: [0, 1])
      _ = knn.predict(Tensor([.infinity, 1], shape: [1, 2]))
    }
    expect(result, says: "WeightedKNN needs features that are finite")
  }

  @Test func theLargestOfNothingNamesTheAxes() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = Tensor.zeros([3, 0]).max(axes: [1])
    }
    expect(result, says: "needs at least one element along its axes; got shape [3, 0] and axes [1]")
  }
}

/// Calls its convolution in a way that a learner does not see.
private final class HidingNet: Module {
  let conv = Conv2d(3, 6, kernelSize: 3)
  let fc = Linear(6, 2)

  func forward(_ x: Tensor) -> Tensor {
    fc(globalAveragePool(conv.forward(x)).flattened(from: 1))
  }
}

/// A convolution, batch norm, a pooling that can be replaced, and a classifier.
private final class SmallNet: Module {
  let conv = Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
  let norm = BatchNorm(6)
  var pool = GlobalAveragePool()
  let fc = Linear(6, 2)

  func forward(_ x: Tensor) -> Tensor { fc(pool(relu(norm(conv(x)))).flattened(from: 1)) }
}

private func smallBYOL(_ net: SmallNet) -> BYOL {
  BYOL(
    net, imageSize: 12, hiddenLayer: "pool", projectionSize: 8, projectionHiddenSize: 8, seed: 2)
}

private func images(count: Int = 4) -> Tensor {
  MockDataset(imageSize: 12, length: count).images(at: Array(0..<count))
}

private func takeStep(_ learner: BYOL) {
  let optimizer = SGD(learner.parameters, learningRate: 0.1)
  learner(images()).backward()
  optimizer.step()
  learner.updateMovingAverage()
}

/// Expects the words in what the process wrote before it stopped.
func expect(
  _ result: ExitTest.Result?, says words: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  for words in words {
    #expect(message.contains(words), "stopped with: \(message)", sourceLocation: sourceLocation)
  }
}
