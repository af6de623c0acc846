import Nets
import Tensor

/// The learner: runs any ``LearningMethod`` around any network.
///
/// `BYOL`, `SimSiam`, `SimCLR`, `NNCLR`, `MoCo`, `DINO`, `BarlowTwins`, `VICReg`, `LeJEPA`, `PixelCL`
/// and `Distillation` are this type with their method, and each has an initializer with its method's
/// hyperparameters.
public final class MethodLearner<M: LearningMethod>: Learner {
  /// The hyperparameters, heads and loss.
  public let method: M
  /// The user's network up to the tapped layers.
  public let backbone: Backbone
  /// The method's modules and memories.
  public let parts: M.Parts
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the next random views come from.
  public var stream: RandomStream
  /// The network, then the parts that are modules.
  public let modules: [any Module]
  /// Everything an optimizer should move, complete from `init` on.
  public let parameters: [Parameter]

  let namedParts: [(name: String, part: any Stateful)]
  let stochasticModules: [(name: String, layer: any StochasticModule)]
  let commits: StepCommits
  let targets: [TargetNetwork]
  /// Found once: a training asks for them before each step.
  private(set) lazy var buffers = modules.flatMap { $0.buffers }.uniqued()
  private let augmentations: Augmentations
  private let localViews: (count: Int, augmentation: any Augmentation)?
  private let fusesViews: Bool
  private let inputCheck: InputCheck
  /// Whether losses are those of a training, or leave no trace.
  public private(set) var mode = Mode.training

  /// A learner around any network; the network itself is not changed.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - method: Hyperparameters, heads and loss.
  ///   - imageSize: The size of the views of images.
  ///   - inputShape: The shape of one input without the count, in place of `imageSize`, for what is
  ///     no image: [length, channels] for signals, [features] for vectors. It needs an
  ///     augmentation.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - additionalLayers: Layers that the method reads besides.
  ///   - channels: The channels of images; those of the first convolution when it is nil.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - augmentation: How views are drawn; the method's way when it is nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when only that is given.
  ///   - localViews: Small views beside the two, for a ``MultiCropMethod``.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layers and calls them; with local views it
  ///   gives as many features of them as of large ones.
  public init(
    _ net: any Module, _ method: M, imageSize: (any Size2DConvertible)? = nil,
    inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, additionalLayers: [HiddenLayer] = [], channels: Int? = nil,
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, localViews: LocalViews? = nil,
    seed: UInt64? = nil
  ) {
    let imageSize = imageSize?.size2D
    precondition(
      (imageSize == nil) != (inputShape == nil) && (inputShape == nil || augmentation != nil),
      "a learner needs imageSize: for images, or inputShape: and augmentation: for other inputs; got "
        + "\(imageSize.map { "imageSize \($0)" } ?? "no imageSize") and "
        + (inputShape.map { "inputShape \($0)" } ?? "no inputShape"))
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let shape = inputShape ?? imageShape(imageSize ?? 0, channels: channels, of: net)
    let backbone = Backbone(net, hiddenLayers: [hiddenLayer] + additionalLayers, inputShape: shape)
    let parts = withRandomSeed(stream.next()) { method.makeParts(for: backbone, using: &stream) }
    self.method = method
    self.backbone = backbone
    self.parts = parts
    self.viewBatching = viewBatching
    self.stream = stream
    let usual = imageSize.map(method.augmentations)
    let first = augmentation ?? usual?.first ?? IdentityAugmentation()
    augmentations = (first, secondAugmentation ?? augmentation ?? usual?.second ?? first)
    let large = augmentations.first
    self.localViews = localViews.map { ($0.count, $0.augmentation(beside: large)) }
    inputCheck = InputCheck(
      name: "\(M.self)", channels: imageSize == nil ? nil : shape.last,
      expectsUnitRange: augmentations.first.expectsUnitRange
        || augmentations.second.expectsUnitRange)
    namedParts = [("net", net)] + parts.named
    stochasticModules = namedStochasticModules(in: namedParts)
    modules = namedParts.compactMap { $0.part as? any Module }
    parameters = modules.flatMap { $0.parameters }.uniqued()
    targets = namedParts.compactMap { $0.part as? TargetNetwork }
    commits = StepCommits(parameters, targets)
    fusesViews = backbone.fusesViews && parts.projector.isSampleIndependent
    if let localViews { checkTakes(localViews, channels: shape.last) }
  }

  /// Whether the method and the network know what to do with local views.
  private func checkTakes(_ localViews: LocalViews, channels: Int?) {
    precondition(
      method is any MultiCropMethod,
      "\(M.self) takes no local views; these do: BYOL, SimSiam, SimCLR, DINO, VICReg, "
        + "LeJEPA")
    backbone.checkTakes(localViews.size, channels: channels ?? 0)
  }

  /// The user's network, which the training improves.
  public var net: any Module { backbone.net }
  /// From features to projections.
  public var projector: any Module { parts.projector }
  /// Whether the loss itself keeps images apart.
  public var preventsCollapse: Bool { method.preventsCollapse }

  /// Features [count, width] of the tapped layer, recorded for gradients.
  public func features(_ images: Tensor) -> Tensor { backbone(images) }

  /// Views of each image drawn from `stream`, or, if it is nil, those that the next loss will draw.
  ///
  /// - Parameters:
  ///   - images: A batch of images.
  ///   - indices: Where each is in its data set, if the method asks for that.
  ///   - stream: Where the chance comes from.
  /// - Returns: The views, and local ones beside them.
  /// - Precondition: Images are finite and have their channels last, and values 0...1 where an
  ///   augmentation expects them.
  public func views(
    of images: Tensor, indices: [Int]?, using stream: RandomStream?
  ) -> M.Views {
    inputCheck(images)
    // The learner's own stream only where it is asked for: a thread that draws ahead brings its own,
    // while a step moves the learner's.
    let stream = stream ?? nextStream
    let drawn = method.views(of: images, indices: indices, by: augmentations, using: stream)
    guard let (count, augmentation) = localViews else { return drawn }
    // The two large ones draw from the first two streams.
    return drawn.adding(
      (2..<2 + count).map {
        SelfSupervised.views(of: images, by: augmentation, using: stream.split($0))
      })
  }

  /// The stream that the next loss will draw from.
  private var nextStream: RandomStream {
    var stream = stream
    return stream.split()
  }

  /// The loss of given views, with its statistics and metrics: no randomness of its own.
  ///
  /// It changes nothing but running statistics in training mode, and gives the same value again.
  /// Inside `withProcessGroup` the views are this process's part of a batch, and the loss its share
  /// of that of the whole batch: the sum over all processes is the loss, and the sums of their
  /// gradients its gradients.
  ///
  /// - Parameters:
  ///   - views: Views of the same images.
  ///   - labels: A class for each image, if it is known; for metrics alone.
  /// - Returns: The loss, and what belongs to it.
  /// - Precondition: There are at least two images while batch norm is in training mode.
  public func stepLoss(of views: M.Views, labels: [Int]?) -> StepLoss {
    let locals = (views as? ViewPair)?.locals.count ?? 0
    checkTakes(locals: locals)
    let group = ProcessGroup.current
    precondition(
      group.isSingle || (method.runsInSeveralProcesses && locals == 0),
      "\(M.self)\(locals == 0 ? "" : " with local views") needs one process"
        + (locals == 0 ? ", unless its runsInSeveralProcesses says otherwise" : "")
        + "; got \(group.size)")
    let rows = group.rows(views.count)
    begin(rows.total, labels, own: rows.own.count)
    let pass = pass(labels: labels)
    let loss = withExactProducts { method.loss(of: views, in: pass) }
    return staging(
      rows.own.count == rows.total ? loss : loss.replacing(loss.value * rows.share))
  }

  /// Traps if there are local views and the method has no use for them.
  func checkTakes(locals: Int) {
    precondition(
      locals == 0 || method is any MultiCropMethod,
      "\(M.self) takes no local views; got \(locals)")
  }

  /// What a loss computes with.
  func pass(labels: [Int]? = nil) -> Pass<M.Parts> {
    Pass(
      backbone: backbone, parts: parts, labels: labels, batching: viewBatching,
      fusesViews: fusesViews)
  }

  /// Ends the step before, and checks the images of this one, of which `own` are this process's.
  func begin(_ count: Int, _ labels: [Int]? = nil, own: Int? = nil) {
    DebugBuild.warn()
    commits.checkWeights(of: "\(M.self)")
    precondition(
      labels.map { $0.count == own ?? count } ?? true,
      "\(M.self) needs a label for each image, if any; got \(labels?.count ?? 0) for \(own ?? count)"
    )
    precondition(
      count > 1 || !modules.contains { $0.usesBatchStatistics },
      "\(M.self) needs at least 2 images in training, for batch norm has no variance over one; "
        + "got \(count)")
  }

  /// `loss`, which leaves its traces when it is differentiated and the optimizer has moved.
  func staging(_ loss: StepLoss) -> StepLoss {
    mode == .training ? commits.stagingCommit(of: loss) : loss
  }

  /// Lets targets and memories follow the step that the optimizer has taken.
  public func updateMovingAverage() { commits.settleExplicitly() }

  /// Makes the target equal to the network again. Nothing without a target.
  public func resetMovingAverage() {
    targets.forEach { $0.reset() }
    commits.acceptWeights()
  }

  /// Forgets losses that were differentiated and whose step is not taken.
  public func discardStep() { commits.discard() }

  /// Puts the network and the heads into training mode.
  public func train() {
    modules.forEach { $0.train() }
    mode = .training
  }

  /// Puts the network and the heads into evaluation mode, in which losses leave no trace.
  public func eval() {
    modules.forEach { $0.eval() }
    mode = .evaluation
  }
}
