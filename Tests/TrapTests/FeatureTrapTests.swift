import SelfSupervised
import Testing
import Training

/// Functions of features and pictures say what they need.
@Suite struct FeatureTrapTests {
  @Test func nearDuplicatesNeedsImages() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = nearDuplicates(of: .zeros([3, 8, 8]))
    }
    expect(result, says: "needs images [count, height, width, channels]", "got shapes [3, 8, 8]")
  }

  @Test func nearDuplicatesNeedsFeaturesOfTheImages() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = nearDuplicates(of: .zeros([3, 8, 8, 1]), features: .zeros([2, 5]))
    }
    expect(result, says: "features [count, width] of the same", "[3, 8, 8, 1] and [2, 5]")
  }

  @Test func attentionNeedsAWidthOfItsHeads() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = selfAttention(.zeros([2, 5, 24]), headCount: 3)
    }
    expect(result, says: "a width divisible by the heads", "got [2, 5, 24] and 3 heads")
  }

  @Test func transformersNeedImagesOfWholePatches() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let net = VisionTransformer.Architecture(patchSize: 4, width: 8, depth: 1, grid: 2)()
      _ = net(.zeros([1, 8, 10, 3]))
    }
    expect(result, says: "divide by the patch size of 4", "got [1, 8, 10, 3]")
  }

  @Test func transformersTakeTheNormalizationOfTheirChannels() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      VisionTransformer.Architecture(patchSize: 4, width: 8, depth: 1, grid: 2)()
        .absorbNormalization(mean: [0.5], standardDeviation: [0.5])
    }
    expect(result, says: "needs 3 means and deviations", "got [0.5] and [0.5]")
  }

  @Test func outliersNeedThreeRows() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = outlierScores(.zeros([2, 5]))
    }
    expect(result, says: "features [count, width] of three rows or more", "got shape [2, 5]")
  }

  @Test func outliersNeedNumbers() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = outlierScores(.full(.nan, [4, 5]))
    }
    expect(result, says: "outlierScores needs features that are finite numbers")
  }

  @Test func selectionNeedsRowsThatThereAre() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = diverseSelection(of: .zeros([4, 5]), count: 1, after: [-1, 4])
    }
    expect(result, says: "got shape [4, 5], 1 and rows -1...4")
  }

  @Test func alignmentNeedsPairs() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = alignment(.zeros([4, 5]), .zeros([3, 5]))
    }
    expect(result, says: "features [count, width] of two views of the same images")
  }

  @Test func uniformityNeedsTwoImages() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = uniformity(.zeros([1, 5]))
    }
    expect(result, says: "of two images or more; got shape [1, 5]")
  }

  @Test func joinedEmbeddingsNeedASet() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = Embeddings(joining: [])
    }
    expect(result, says: "needs a set or more; got none")
  }
}
