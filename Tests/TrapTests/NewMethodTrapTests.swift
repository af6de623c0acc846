import Datasets
import SelfSupervised
import Testing

/// Local views and teachers say what they need.
@Suite struct NewMethodTrapTests {
  @Test func localViewsNeedAMethodThatTakesThem() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = MethodLearner(
        PooledNet(), TwoViewsAlone(), imageSize: 12, hiddenLayer: "pool",
        localViews: LocalViews(count: 2, size: 8))
    }
    expect(result, says: "TwoViewsAlone takes no local views; these do: BYOL, SimSiam")
  }

  @Test func givenLocalViewsNeedAMethodThatTakesThem() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let learner = BarlowTwins(PooledNet(), imageSize: 12, hiddenLayer: "pool", projectionSize: 8)
      let images = Tensor.zeros([4, 12, 12, 3])
      _ = learner.stepLoss(of: ViewPair(first: images, second: images, locals: [images]))
    }
    expect(result, says: "BarlowTwinsMethod takes no local views; got 1")
  }

  @Test func localViewsNeedACrop() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = SimCLR(
        PooledNet(), imageSize: 12, hiddenLayer: "pool", augmentation: HorizontalFlip(),
        localViews: LocalViews(count: 2, size: 8))
    }
    expect(result, says: "a Compose with a RandomResizedCrop", "got HorizontalFlip")
  }

  @Test func localViewsNeedANetworkForEverySize() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = SimCLR(
        FlatNet(), imageSize: 12, hiddenLayer: "fc", localViews: LocalViews(count: 2, size: 8))
    }
    expect(
      result, says: "local views of 8x8 need a network that gives as many features of small images",
      "a global pooling")
  }

  @Test func localViewsNeedAsManyFeatures() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = SimCLR(
        PooledNet(), imageSize: 12, hiddenLayer: "conv", localViews: LocalViews(count: 2, size: 8))
    }
    expect(result, says: "a global pooling", "this one gives 96 and 216")
  }

  @Test func localViewsOfOtherImages() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let images = Tensor.zeros([4, 12, 12, 3])
      _ = ViewPair(first: images, second: images, locals: [.zeros([3, 8, 8, 3])])
    }
    expect(result, says: "local views of one shape and of as many images as the large ones")
  }

  @Test func keptFeaturesNeedIndices() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = student(.kept(.ones([9, 5])))(.zeros([4, 12, 12, 3]))
    }
    expect(result, says: "learner(batch.images, indices: batch.indices)")
  }

  @Test func keptFeaturesAreOfTheDataSet() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = student(.kept(.ones([9, 5])))(.zeros([2, 12, 12, 3]), indices: [3, 9])
    }
    expect(result, says: "needs an index of the teacher's 9 rows for each image", "up to 9 for 2")
  }

  @Test func keptFeaturesAreNumbers() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = student(.kept(.full(.nan, [9, 5])))
    }
    expect(result, says: "features of shape [count, width], all of them finite")
  }

  @Test func keptFeaturesCannotBeMixed() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = Distillation(
        PooledNet(), teacher: .kept(.ones([9, 5])), imageSize: 12, hiddenLayer: "pool",
        mixesImages: true)
    }
    expect(result, says: "needs a live teacher to mix images")
  }

  @Test func theWeightOfTheRegularizationIsAShare() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = LeJEPA(PooledNet(), imageSize: 12, hiddenLayer: "pool", regularization: 2)
    }
    expect(result, says: "LeJEPA needs a regularization in 0...1; got 2.0")
  }

  @Test func temperaturesAreAboveZero() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = DINO(PooledNet(), imageSize: 12, hiddenLayer: "pool", temperature: 0)
    }
    expect(result, says: "DINO needs a temperature above zero")
  }

  @Test func slicesAreOfTheProjectionsSize() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = sigReg(.ones([4, 5]), along: .ones([6, 7]))
    }
    expect(result, says: "slices [size, directions]; got [4, 5] and [6, 7]")
  }
}

private func student(_ teacher: Teacher) -> Distillation {
  Distillation(PooledNet(), teacher: teacher, imageSize: 12, hiddenLayer: "pool", seed: 1)
}

/// Takes images of every size.
private final class PooledNet: Module {
  let conv = Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
  let pool = GlobalAveragePool()

  func forward(_ x: Tensor) -> Tensor { pool(relu(conv(x))).flattened(from: 1) }
}

/// Takes images of 12 by 12.
private final class FlatNet: Module {
  let conv = Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
  let fc = Linear(216, 4)

  func forward(_ x: Tensor) -> Tensor { fc(relu(conv(x)).flattened(from: 1)) }
}

/// A method of somebody's own that knows two views.
private struct TwoViewsAlone: ProjectionMethod {
  func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> ProjectorOnly {
    ProjectorOnly(projector: Linear(backbone.width, 4))
  }

  func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<ProjectorOnly>
  ) -> StepLoss {
    StepLoss(
      square(projections.first - projections.second).mean(), projections: projections.first)
  }
}
