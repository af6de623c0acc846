import Nets
import Tensor

/// A moving average of a target's outputs, which is taken away from them: no output can then win for
/// all images (Caron et al., 2021).
public final class OutputCenter: SampleIndependent {
  /// The average, of shape [width]; zeros at first.
  public let mean: Buffer
  /// The share of its old numbers that the average keeps with each batch.
  public let momentum: Float

  /// An average of outputs of the given width.
  ///
  /// - Precondition: The width is above zero, the momentum in 0...1.
  public init(_ width: Int, momentum: Float = 0.9) {
    precondition(
      width > 0 && (0...1).contains(momentum),
      "OutputCenter needs a width above zero and a momentum in 0...1; got \(width) and \(momentum)")
    mean = Buffer(.zeros([width]))
    self.momentum = momentum
  }

  /// Outputs of shape [count, width] without the average.
  public func forward(_ input: Tensor) -> Tensor { input - mean.value }

  /// Moves the average towards that of a batch's outputs, of shape [width].
  public func update(toward found: Tensor) {
    mean.value = mean.value * momentum + found.detached * (1 - momentum)
  }
}
