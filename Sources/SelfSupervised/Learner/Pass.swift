import Nets
import Tensor

/// What the loss of a method computes with: the network, the parts, and how two views go through.
public struct Pass<Parts: MethodParts> {
  /// The network up to the tapped layers.
  public let backbone: Backbone
  /// What the method put behind it.
  public let parts: Parts
  /// A class for each image, if it is known; for metrics alone.
  public let labels: [Int]?
  /// How the two views of a batch go through modules.
  let batching: ViewBatching
  /// Whether separate views may go through backbone and projector at once.
  let fusesViews: Bool

  /// Features [count, width] of both views.
  public func features(_ views: ViewPair) -> ViewPair {
    batching(views, atOnce: fusesViews, run: backbone.callAsFunction)
  }

  /// Projections [count, size] of both views.
  public func project(_ views: ViewPair) -> ViewPair { apply(parts.projector, features(views)) }

  /// Projections [count, size] of one view.
  public func project(_ view: Tensor) -> Tensor { parts.projector(backbone(view)) }

  /// What a head makes of rows of both views.
  public func apply(_ head: any Module, _ rows: ViewPair) -> ViewPair {
    batching(rows, atOnce: fusesViews && head.isSampleIndependent, run: head.callAsFunction)
  }
}
