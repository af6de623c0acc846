import SelfSupervised

extension Recipe {
  /// Kinds of images, for each of which other views and rates were best.
  public enum Images: String, CaseIterable, Sendable {
    /// Gray images of one thing in the middle, as those of MNIST and Fashion-MNIST.
    case grayObjects
    /// Small photographs in color, as those of CIFAR-10.
    case smallPhotographs
    /// Pictures of any size and number, which a network sees at 64x64.
    case photographs
    /// The generated shapes of `Datasets`: colored, anywhere in the image.
    case shapes
  }

  /// The recipe of a method for a kind of images.
  public init(_ method: MethodName, for images: Images) {
    self.init(method: method)
    switch images {
    case .grayObjects: setForGrayObjects()
    case .smallPhotographs: setForPhotographs()
    case .photographs:
      setForPhotographs()
      (imageSize, fewestSteps) = (Self.pictureSize, 2_000)
    case .shapes: setForShapes()
    }
    setForMethod()
  }

  /// The height and width of pictures as a network sees them.
  public static let pictureSize = 64

  /// Crops and changes of brightness.
  private mutating func setForGrayObjects() {
    epochs = 6
    warmUp = 0.3
    viewShare = 0.715
    crop = 0.3...1
    colors = ViewColors(brightness: 0.8, contrast: 0.8)
  }

  /// SimCLR's views for CIFAR-10.
  private mutating func setForPhotographs() {
    normalizesProjections = false
    viewShare = 0.7
    colors = ViewColors(
      brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, jitterProbability: 0.8,
      grayProbability: 0.2)
    switch method {
    case .barlowTwins: optimizer.learningRate *= 0.1
    // Where the rate rises within few steps, its loss becomes infinite at the whole of it.
    case .vicreg: optimizer.learningRate *= 0.2
    default: break
    }
  }

  /// Crops, every hue, and half of the views gray, for how two colors differ outlasts a change of
  /// hue. Many small steps teach BYOL more in three minutes than few large ones. What it loses at
  /// first, when projections become alike, it seldom learns later: hence the long warm-up, the
  /// normalized projections and a decay of only 1e-6, its paper's.
  private mutating func setForShapes() {
    (epochs, batchSize, bankSize, viewShare) = (8, 32, 2_000, 0.625)
    optimizer = OptimizerChoice(kind: .sgd, learningRate: 0.1, weightDecay: 1e-6)
    warmUp = 0.3
    (projectionSize, projectionHiddenSize) = (256, 2_048)
    crop = 0.6...1
    colors = ViewColors(
      brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5, grayProbability: 0.5)
    // A sum over features, most of it noise where batches are small.
    if method == .barlowTwins { optimizer.learningRate *= 0.003 }
  }

  private mutating func setForMethod() {
    switch method {
    // Its target moves at full speed: WhatLearnersReach has what other rates give.
    case .simsiam: optimizer.learningRate *= 0.125
    // Keys of many steps ago should be like those of today.
    case .moco: (queueSize, movingAverageDecay) = (1_024, 0.99)
    case .dino:
      (temperature, projectionSize, movingAverageDecay) = (0.1, 256, 0.99)
      // Behind transformers too, whose outputs are alike without norms in runs of minutes.
      normalizesProjections = true
    // The correlations of features that have none are of the size of one by the root of the batch:
    // among many features of small batches they outweigh all else.
    case .barlowTwins: projectionSize = 256
    // Many, but for a small network fewer than the paper's 8,192.
    case .vicreg: projectionSize = 1_024
    // Few, for each direction has to be normal.
    case .lejepa: projectionSize = 64
    default: break
    }
  }
}
