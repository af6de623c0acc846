import Datasets
import Nets
import SelfSupervised
import Tensor

/// A network that learns classes: what fine-tuning and training from scratch are to a ``Trainer``.
public typealias Classifier = MethodLearner<ClassificationMethod>

/// Classification: a linear layer behind the network learns to name each image's class.
///
/// ```swift
/// let classifier = Classifier(net, classCount: 10, imageSize: 96, hiddenLayer: "avgpool")
/// let trainer = Trainer(
///   classifier, optimizer: Adam(classifier.parameters), loader: labeledLoader, stepCount: 500)
/// try trainer.run()
/// print(classifier.accuracy(on: test))
/// ```
///
/// The network learns with it. A linear layer on features that stay as they are is a `LinearProbe`.
/// The metric is the share of the batch that is right (`accuracy`).
public struct ClassificationMethod: LearningMethod {
  /// How many classes there are.
  public let classCount: Int

  /// It does: the labels keep classes apart.
  public var preventsCollapse: Bool { true }
  /// Its loss is a mean over images.
  public var runsInSeveralProcesses: Bool { true }

  /// The linear layer.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> ProjectorOnly {
    ProjectorOnly(projector: Linear(backbone.width, classCount))
  }

  /// One view of each image, which stands for both.
  public func views(
    of images: Tensor, by augmentations: Augmentations, using stream: RandomStream
  ) -> ViewPair {
    let drawn = SelfSupervised.views(of: images, by: augmentations.first, using: stream)
    return ViewPair(first: drawn, second: drawn)
  }

  /// The cross-entropy of the first views' classes.
  ///
  /// - Precondition: The images have labels.
  public func loss(of views: ViewPair, in pass: Pass<ProjectorOnly>) -> StepLoss {
    guard let labels = pass.labels else {
      preconditionFailure("Classifier needs images with labels; got none")
    }
    let logits = pass.project(views.first)
    return StepLoss(
      crossEntropy(logits, labels), projections: logits,
      metrics: ["accuracy": accuracy(logits, labels: labels)])
  }

  /// Images as they are.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    (IdentityAugmentation(), IdentityAugmentation())
  }
}

extension MethodLearner where M == ClassificationMethod {
  /// A new linear layer behind a network, which learns too.
  ///
  /// - Parameters:
  ///   - net: The network, trained before or not.
  ///   - classCount: How many classes there are.
  ///   - imageSize: The size of the images, or of the views that an augmentation makes of them.
  ///   - hiddenLayer: The layer whose output is classified.
  ///   - augmentation: How images are varied; not at all if nil.
  ///   - seed: Where the layer's weights and the variations come from; unpredictable when it is
  ///     nil.
  public convenience init(
    _ net: any Module, classCount: Int, imageSize: any Size2DConvertible,
    hiddenLayer: HiddenLayer = -2,
    augmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    self.init(
      net, ClassificationMethod(classCount: classCount), imageSize: imageSize,
      hiddenLayer: hiddenLayer, augmentation: augmentation, seed: seed)
  }

  /// The share of a set's images whose class is right, without augmentation.
  public func accuracy(on dataset: some ImageDataset) -> Float { accuracy(on: dataset, size: nil) }

  /// The same of images that are brought to a size.
  func accuracy(on dataset: any ImageDataset, size: Size2D?) -> Float {
    let logits = dataset.features { images in
      represent(size.map { resized(images, to: $0) } ?? images).projection
    }
    return SelfSupervised.accuracy(logits, labels: dataset.labels)
  }
}
