import Nets
import Tensor

/// Simple siamese networks (Chen and He, 2021): BYOL whose target is its own projection.
public typealias SimSiam = MethodLearner<SimSiamMethod>

/// SimSiam: a bottleneck behind the projection of one view learns to give the projection of the
/// other, through which no gradient flows. Its loss is ``BYOLMethod``'s.
///
/// The heads are its authors' but for their sizes: byol-pytorch's 256 features and a bottleneck of
/// a quarter, where they have 2,048 and 512. The authors' views are
/// ``Compose/simSiam(imageSize:blur:normalization:)``.
public struct SimSiamMethod: MultiCropMethod {
  let projectionSize: Int
  let projectionHiddenSize: Int?
  let predictorHiddenSize: Int?
  let simplicialEmbedding: SimplicialEmbedding.Configuration?

  /// Its loss is a mean over images.
  public var runsInSeveralProcesses: Bool { true }

  /// A projector of three layers that ends with batch norm, and a predictor that is a bottleneck.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> BYOLParts {
    let projector = embedded(simplicialEmbedding, backbone.width) {
      Heads.simSiamProjector(
        $0, hidden: projectionHiddenSize ?? backbone.width, outputs: projectionSize)
    }
    let predictor = Heads.simSiamPredictor(
      projectionSize, hidden: predictorHiddenSize ?? max(1, projectionSize / 4))
    return BYOLParts(projector: projector, predictor: predictor, target: nil)
  }

  /// Each view predicts the projection of the other.
  ///
  /// - Returns: A scalar in 0...8.
  public func loss(of views: ViewPair, in pass: Pass<BYOLParts>) -> StepLoss {
    pass.crossedPredictionLoss(of: views)
  }
}

extension MethodLearner where M == SimSiamMethod {
  /// SimSiam around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection.
  /// - `projectionHiddenSize`: The hidden features of the projector; those of the tapped layer if
  ///   nil.
  /// - `predictorHiddenSize`: The hidden features of the predictor; a quarter of the projection if
  ///   nil.
  /// - `simplicialEmbedding`: Puts an embedding on simplices in front of the projector.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 256,
    projectionHiddenSize: Int? = nil, predictorHiddenSize: Int? = nil,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    localViews: LocalViews? = nil, seed: UInt64? = nil
  ) {
    let method = SimSiamMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, simplicialEmbedding: simplicialEmbedding)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}

extension MethodLearner where M.Parts == BYOLParts {
  /// Groups of which those of the predictor keep one learning rate under any schedule.
  ///
  /// SimSiam's predictor does so: it should keep up with a projector that still changes (Chen and
  /// He, 2021, section 4.2; `fix_pred_lr` of their code).
  ///
  /// - Parameters:
  ///   - weightDecay: The decay of weights; biases and norms do not decay.
  ///   - predictorLearningRate: The predictor's learning rate, usually the schedule's highest.
  /// - Returns: Weights, then biases and norms; first those of the network and the projector, then
  ///   the predictor's.
  public func parameterGroups(
    weightDecay: Float, predictorLearningRate: Float
  ) -> [ParameterGroup] {
    let fixed = Set(parts.predictor.parameters.map(ObjectIdentifier.init))
    let groups = parameterGroups(weightDecay: weightDecay)
    return [false, true].flatMap { isFixed in
      groups.map { group in
        var group = group
        group.parameters.removeAll { fixed.contains(ObjectIdentifier($0)) != isFixed }
        group.fixedLearningRate = isFixed ? predictorLearningRate : nil
        return group
      }
    }
  }
}
