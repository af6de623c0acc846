/// Which of two published systems the pixels' rules come from.
///
/// | | ``official`` | ``lucidrains`` |
/// |---|---|---|
/// | distance | over the larger of the two views' cells | over the cell of the whole image |
/// | propagation | of vectors of unit length | of vectors as they are |
/// | PixPro | mean over an image's pairs, then over images; 0...8 | mean over all pairs; -1...1 |
/// | PixContrast | mean over pixels of a ratio each | one ratio for the whole batch |
///
/// A cell is the part of the image that one pixel of the map stands for, measured by its diagonal.
/// A whole image's is larger than a crop's, so that the package's threshold of 0.7 admits what the
/// authors' code would admit at 0.9 to 1.2.
public enum PixelVariant: String, CaseIterable, Codable, Sendable {
  /// The authors' code of PixPro, and for PixContrast their paper (Xie et al., 2021).
  case official
  /// The pixel-level-contrastive-learning package.
  case lucidrains
}
