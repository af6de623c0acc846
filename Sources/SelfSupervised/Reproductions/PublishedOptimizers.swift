import Nets

// Optimizers with the settings of their papers, for any size of batch. The papers' schedule is a
// warm-up of ten epochs and half a cosine: `.warmUpCosine(to: optimizer.learningRate, …)`.

extension LARS {
  /// BYOL's: base 0.45 up to 100 epochs, 0.3 up to 300 and 0.2 beyond, times batch / 256; a decay
  /// of 1e-6, 1.5e-6 beyond 300 epochs (DeepMind's configs/byol.py).
  public static func byol(_ learner: some Learner, batchSize: Int, epochs: Int = 300) -> LARS {
    published(
      learner, base: epochs <= 100 ? 0.45 : epochs <= 300 ? 0.3 : 0.2, batchSize: batchSize,
      weightDecay: epochs <= 300 ? 1e-6 : 1.5e-6, variant: .deepMind)
  }

  /// SimCLR's: base 0.3 times batch / 256, a decay of 1e-6 (Chen et al., 2020).
  ///
  /// Google's loss is twice ``SimCLR``'s. LARS cancels that for weights; biases and norms, which it
  /// does not adapt, get twice the rate instead.
  ///
  /// For batches below about 1,000 SimCLR's appendix B.1 recommends 0.075 · √batch, the rule
  /// `.squareRoot`; on CIFAR-10 Google's code has a `base` of 1 and a decay of 1e-4.
  public static func simCLR(
    _ learner: SimCLR, batchSize: Int, base: Float? = nil, rule: LearningRate.Rule = .linear,
    weightDecay: Float = 1e-6
  ) -> LARS {
    published(
      learner, base: base ?? (rule == .linear ? 0.3 : 0.075), batchSize: batchSize, rule: rule,
      weightDecay: weightDecay, variant: .google, exemptScale: 2)
  }

  /// NNCLR's: base 0.3 times batch / 256, a decay of 1e-6 (Dwibedi et al., 2021).
  public static func nnclr(_ learner: NNCLR, batchSize: Int) -> LARS {
    published(learner, base: 0.3, batchSize: batchSize, weightDecay: 1e-6, variant: .google)
  }

  /// Barlow Twins': base 0.2 for weights and 0.0048 for biases and norms, times batch / 256; a
  /// decay of 1.5e-6 (Zbontar et al., 2021, section 2.2).
  public static func barlowTwins(_ learner: some Learner, batchSize: Int) -> LARS {
    published(
      learner, base: 0.2, batchSize: batchSize, weightDecay: 1.5e-6, variant: .deepMind,
      exemptScale: 0.0048 / 0.2)
  }

  /// VICReg's: base 0.2 times batch / 256, a decay of 1e-6 (Bardes et al., 2022, section 4.2).
  public static func vicReg(_ learner: some Learner, batchSize: Int) -> LARS {
    published(learner, base: 0.2, batchSize: batchSize, weightDecay: 1e-6, variant: .deepMind)
  }

  /// PixPro's: base 1 times batch / 256, a decay of 1e-5, no decay and no adaptation of biases and
  /// norms (the authors' code).
  public static func pixPro(_ learner: PixelCL, batchSize: Int) -> LARS {
    published(learner, base: 1, batchSize: batchSize, weightDecay: 1e-5, variant: .deepMind)
  }

  private static func published(
    _ learner: some Learner, base: Float, batchSize: Int, rule: LearningRate.Rule = .linear,
    weightDecay: Float, variant: Variant, exemptScale: Float = 1
  ) -> LARS {
    var groups = learner.parameterGroups(weightDecay: weightDecay)
    groups[1].learningRateScale = exemptScale
    return LARS(
      groups, learningRate: LearningRate.scaled(base: base, batchSize: batchSize, rule: rule),
      variant: variant)
  }
}

extension SGD {
  /// SimSiam's: base 0.05 times batch / 256, momentum 0.9, a decay of 1e-4, and a predictor whose
  /// learning rate no schedule changes (Chen and He, 2021, section 3 and 4.2).
  ///
  /// The loss here is four times its authors', so that a quarter of that rate and four times that
  /// decay make the same steps: `base` and `weightDecay` are in the authors' units. On CIFAR-10 the
  /// base is 0.03 and the decay 5e-4 (appendix D). Biases and norms do not decay here.
  public static func simSiam<M: LearningMethod>(
    _ learner: MethodLearner<M>, batchSize: Int, base: Float = 0.05, weightDecay: Float = 1e-4
  ) -> SGD where M.Parts == BYOLParts {
    let rate = LearningRate.scaled(base: base, batchSize: batchSize) / 4
    return SGD(
      learner.parameterGroups(weightDecay: 4 * weightDecay, predictorLearningRate: rate),
      learningRate: rate, momentum: 0.9)
  }

  /// MoCo's: base 0.03 times batch / 256, momentum 0.9, a decay of 1e-4 (He et al., 2020).
  ///
  /// Biases and norms do not decay here.
  public static func moCo(_ learner: some Learner, batchSize: Int) -> SGD {
    SGD(
      learner.parameterGroups(weightDecay: 1e-4),
      learningRate: LearningRate.scaled(base: 0.03, batchSize: batchSize), momentum: 0.9)
  }
}

extension Adam {
  /// byol-pytorch's, from its README: a rate of 3e-4 for any batch, and no decay.
  public static func byol(_ learner: BYOL) -> Adam { Adam(learner.parameters, learningRate: 3e-4) }

  /// That of AI Summer's SimCLR for STL-10: a rate of 3e-4, a decay of 1e-6 of weights alone.
  public static func simCLR(_ learner: SimCLR) -> Adam {
    Adam(learner.parameterGroups(weightDecay: 1e-6), learningRate: 3e-4)
  }

  /// That of Keras's example of NNCLR: a rate of 1e-3, and no decay.
  public static func nnclr(_ learner: NNCLR) -> Adam { Adam(learner.parameters) }

  /// pixel-level-contrastive-learning's, from its README: a rate of 1e-4, and no decay.
  public static func pixelCL(_ learner: PixelCL) -> Adam {
    Adam(learner.parameters, learningRate: 1e-4)
  }
}
