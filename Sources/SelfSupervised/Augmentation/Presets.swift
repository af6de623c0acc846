import Tensor

// Each preset is named by its source and follows that source's order, probabilities and strengths.
// Those whose source normalises take the numbers as an argument.

extension Augmentation where Self == Compose {
  /// SimCLR's views (Chen et al., 2020), as Google's code makes them: values stay in 0...1.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - strength: The strength of the colour jitter: 1 on ImageNet, 0.5 on CIFAR-10.
  ///   - blur: Whether half of the views are blurred: on ImageNet they are, on CIFAR-10 not.
  ///   - interpolation: How crops are resized; Google's code has bicubic, torchvision bilinear.
  /// - Returns: The augmentation, for one image at a time.
  public static func simCLR(
    imageSize: any Size2DConvertible, strength: Float = 1, blur: Bool = true,
    interpolation: Interpolation = .bicubic
  ) -> Compose {
    let shape: [any Augmentation] = [
      RandomResizedCrop(imageSize, interpolation: interpolation),
      HorizontalFlip().applied(probability: 0.5),
    ]
    let colors: [any Augmentation] = [
      jitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength, probability: 0.8),
      Grayscale().applied(probability: 0.2),
      Clip(),
    ]
    let blurring: [any Augmentation] =
      blur
      ? [GaussianBlur.simCLR(imageHeight: imageSize.size2D.height).applied(probability: 0.5)] : []
    return Compose(shape + colors + blurring)
  }

  /// SimCLR's views for small images such as CIFAR-10's: half the colour jitter and no blur (Chen
  /// et al., 2020, appendix B.9).
  public static func simCLRSmall(imageSize: any Size2DConvertible = 32) -> Compose {
    simCLR(imageSize: imageSize, strength: 0.5, blur: false)
  }

  /// The first of BYOL's two kinds of view (Grill et al., 2020, table 6): always blurred, never
  /// solarised.
  public static func byolFirst(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    byol(imageSize, normalization, blurProbability: 1, solarizeProbability: 0)
  }

  /// The second of BYOL's two kinds of view (Grill et al., 2020, table 6): one in ten blurred, one
  /// in five solarised.
  public static func byolSecond(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    byol(imageSize, normalization, blurProbability: 0.1, solarizeProbability: 0.2)
  }

  /// The first of DINO's two kinds of large view (Caron et al., 2021): BYOL's steps, with a blur of so
  /// many pixels whatever the size of the view.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - scale: The range of the crop's area; the paper's beside local views. Without them its code
  ///     advises 0.14...1.
  ///   - normalization: What comes last.
  /// - Returns: The augmentation, for one image at a time.
  public static func dinoFirst(
    imageSize: any Size2DConvertible, scale: ClosedRange<Float> = 0.4...1,
    normalization: Normalize? = .imageNet
  ) -> Compose {
    dino(imageSize, scale, normalization, blurProbability: 1, solarizeProbability: 0)
  }

  /// The second of DINO's two kinds of large view: one in ten blurred, one in five solarized.
  public static func dinoSecond(
    imageSize: any Size2DConvertible, scale: ClosedRange<Float> = 0.4...1,
    normalization: Normalize? = .imageNet
  ) -> Compose {
    dino(imageSize, scale, normalization, blurProbability: 0.1, solarizeProbability: 0.2)
  }

  /// DINO's local views, of a twentieth to two fifths of the image, half of them blurred; for
  /// ``LocalViews/init(count:size:scale:augmentation:)``, normalized as the large ones are.
  public static func dinoLocal(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    dino(imageSize, 0.05...0.4, normalization, blurProbability: 0.5, solarizeProbability: 0)
  }

  private static func dino(
    _ imageSize: any Size2DConvertible, _ scale: ClosedRange<Float>, _ normalization: Normalize?,
    blurProbability: Float, solarizeProbability: Float
  ) -> Compose {
    Compose(
      [
        RandomResizedCrop(imageSize, scale: scale, interpolation: .bicubic),
        HorizontalFlip().applied(probability: 0.5),
      ]
        + byolColors(
          GaussianBlur(), normalization, blurProbability: blurProbability,
          solarizeProbability: solarizeProbability))
  }

  /// The views of the byol-pytorch package, which crops last, jitters three images in ten and blurs
  /// two.
  public static func byolPyTorch(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    Compose(
      [
        jitter(0.8, 0.8, 0.8, 0.2, probability: 0.3),
        Grayscale().applied(probability: 0.2),
        HorizontalFlip().applied(probability: 0.5),
        GaussianBlur(kernelSize: 3, sigma: 1...2).applied(probability: 0.2),
        RandomResizedCrop(imageSize),
      ] + steps(normalization))
  }

  /// MoCo v2's views (Chen et al., 2020): crops from a fifth of the image on, a gentler jitter, and
  /// a blur with its standard deviation in pixels whatever the image's size.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - blur: Whether half of the views are blurred; for small images they should not be.
  ///   - normalization: What comes last.
  /// - Returns: The augmentation, for one image at a time.
  public static func mocoV2(
    imageSize: any Size2DConvertible, blur: Bool = true, normalization: Normalize? = .imageNet
  ) -> Compose {
    Compose(
      [
        RandomResizedCrop(imageSize, scale: 0.2...1),
        jitter(0.4, 0.4, 0.4, 0.1, probability: 0.8),
        Grayscale().applied(probability: 0.2),
      ] + (blur ? [GaussianBlur().applied(probability: 0.5)] : [])
        + [HorizontalFlip().applied(probability: 0.5)] + steps(normalization))
  }

  /// SimSiam's views (Chen and He, 2021), which are those of MoCo v2; on CIFAR-10 without blur.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - blur: Whether half of the views are blurred; for small images they should not be.
  ///   - normalization: What comes last.
  /// - Returns: The augmentation, for one image at a time.
  public static func simSiam(
    imageSize: any Size2DConvertible, blur: Bool = true, normalization: Normalize? = .imageNet
  ) -> Compose { mocoV2(imageSize: imageSize, blur: blur, normalization: normalization) }

  /// The views of the Keras example of NNCLR: a flip, a crop and a shift of brightness.
  ///
  /// The defaults are for the contrastive views; ``nnclrClassification(imageSize:)`` has those for
  /// the labeled images. Crops are whole pixels, resized with antialiasing.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - brightness: The largest shift of brightness.
  ///   - scale: The range of the crop's area, as a share of the image's.
  /// - Returns: The augmentation, for one image at a time.
  public static func nnclr(
    imageSize: any Size2DConvertible, brightness: Float = 0.5, scale: ClosedRange<Float> = 0.2...1
  ) -> Compose {
    [
      HorizontalFlip().applied(probability: 0.5),
      RandomResizedCrop(imageSize, scale: scale, overflow: .clip),
      RandomBrightness(brightness),
    ]
  }

  /// The gentler views that the Keras example of NNCLR trains its classifier on.
  public static func nnclrClassification(imageSize: any Size2DConvertible) -> Compose {
    nnclr(imageSize: imageSize, brightness: 0.2, scale: 0.5...1)
  }

  /// The views of the AI Summer tutorials on SimCLR and BYOL: SimCLR's, with a blur over three
  /// pixels at any size, and normalised.
  ///
  /// - Parameters:
  ///   - imageSize: The size of the views.
  ///   - strength: The strength of the colour jitter.
  ///   - normalization: What comes last.
  /// - Returns: The augmentation, for one image at a time.
  public static func aiSummer(
    imageSize: any Size2DConvertible, strength: Float = 1, normalization: Normalize? = .imageNet
  ) -> Compose {
    Compose(
      [
        RandomResizedCrop(imageSize),
        HorizontalFlip().applied(probability: 0.5),
        jitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength, probability: 0.8),
        GaussianBlur(kernelSize: 3).applied(probability: 0.5),
        Grayscale().applied(probability: 0.2),
      ] + steps(normalization))
  }

  /// The colours of the pixel-level-contrastive-learning package's views.
  ///
  /// A pixel-level learner adds crop and flip, because it must know where each pixel comes from.
  public static func pixelCL(normalization: Normalize? = .imageNet) -> Compose {
    Compose(
      [
        jitter(0.8, 0.8, 0.8, 0.2, probability: 0.8),
        Grayscale().applied(probability: 0.2),
        GaussianBlur(kernelSize: 3, sigma: 1.5...1.5).applied(probability: 0.1),
        RandomSolarize().applied(probability: 0.5),
      ] + steps(normalization))
  }

  /// The colours of PixPro's first views, which are BYOL's; crop and flip are the learner's, in the
  /// authors' code crops of `.area(0.08...1)` and flips of one half.
  public static func pixProFirst(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    Compose(byolColors(imageSize, normalization, blurProbability: 1, solarizeProbability: 0))
  }

  /// The colours of PixPro's second views, which are BYOL's.
  public static func pixProSecond(
    imageSize: any Size2DConvertible, normalization: Normalize? = .imageNet
  ) -> Compose {
    Compose(byolColors(imageSize, normalization, blurProbability: 0.1, solarizeProbability: 0.2))
  }

  private static func byol(
    _ imageSize: any Size2DConvertible, _ normalization: Normalize?, blurProbability: Float,
    solarizeProbability: Float
  ) -> Compose {
    Compose(
      [
        RandomResizedCrop(imageSize, interpolation: .bicubic),
        HorizontalFlip().applied(probability: 0.5),
      ]
        + byolColors(
          imageSize, normalization, blurProbability: blurProbability,
          solarizeProbability: solarizeProbability))
  }

  private static func byolColors(
    _ imageSize: any Size2DConvertible, _ normalization: Normalize?, blurProbability: Float,
    solarizeProbability: Float
  ) -> [any Augmentation] {
    byolColors(
      GaussianBlur.simCLR(imageHeight: imageSize.size2D.height), normalization,
      blurProbability: blurProbability, solarizeProbability: solarizeProbability)
  }

  private static func byolColors(
    _ blur: GaussianBlur, _ normalization: Normalize?, blurProbability: Float,
    solarizeProbability: Float
  ) -> [any Augmentation] {
    [
      jitter(0.4, 0.4, 0.2, 0.1, probability: 0.8),
      Grayscale().applied(probability: 0.2),
      blur.applied(probability: blurProbability),
      Solarize(threshold: 0.5).applied(probability: solarizeProbability),
      Clip(),
    ] + steps(normalization)
  }

  private static func jitter(
    _ brightness: Float, _ contrast: Float, _ saturation: Float, _ hue: Float, probability: Float
  ) -> any Augmentation {
    ColorJitter(brightness: brightness, contrast: contrast, saturation: saturation, hue: hue)
      .applied(probability: probability)
  }

  private static func steps(_ normalization: Normalize?) -> [any Augmentation] {
    normalization.map { [$0] } ?? []
  }
}
