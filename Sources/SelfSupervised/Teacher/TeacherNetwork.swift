import Nets
import Tensor

/// A network that another one learns from: any `Module`, whose numbers stay as they are.
///
/// ```swift
/// let teacher = TeacherNetwork(
///   efficientNet, hiddenLayer: "pool", imageSize: 224, normalization: .imageNet)
/// ```
///
/// It runs in evaluation mode and without gradients, and no optimizer, checkpoint or state has it.
public final class TeacherNetwork: @unchecked Sendable {
  /// The network.
  public let net: any Module
  /// The height and width at which it sees pictures.
  public let imageSize: Size2D
  /// What is done to pictures of values 0...1 before it sees them.
  public let normalization: Normalize?
  /// The features of a picture.
  public let width: Int
  // Unchecked: nothing of it changes but the mode, which it sets back, on the thread that trains.
  private let backbone: Backbone
  private let layerName: String

  /// A teacher.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output, flattened, is what it teaches.
  ///   - imageSize: The height and width at which it sees pictures: those that it was trained with.
  ///   - normalization: What it was trained with; published weights mostly with
  ///     ``Normalize/imageNet``, this package's with none.
  ///   - channels: The channels of pictures; those of the first convolution when it is nil.
  /// - Precondition: The network has the layer and calls it.
  public init(
    _ net: any Module, hiddenLayer: HiddenLayer = -2, imageSize: any Size2DConvertible,
    normalization: Normalize?, channels: Int? = nil
  ) {
    (self.net, self.imageSize, self.normalization) = (net, imageSize.size2D, normalization)
    backbone = Backbone(
      net, hiddenLayers: [hiddenLayer],
      inputShape: imageShape(imageSize.size2D, channels: channels, of: net))
    width = backbone.width
    let layer = try? hiddenLayer.resolve(in: net)
    layerName = net.namedModules.first { $0.module === layer }?.name ?? ""
  }

  /// Features of pictures.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels], values 0...1, of any size.
  /// - Returns: A tensor of shape [count, width], never tracked.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    net.evaluating {
      withoutGradients {
        let seen = resized(images.detached, to: imageSize)
        return backbone(normalization.map { $0(seen) } ?? seen)
      }
    }
  }
}

extension TeacherNetwork: CustomStringConvertible {
  /// The type of the network, its layer, and how it sees pictures.
  public var description: String {
    let normalized = normalization.map {
      ", normalized by \($0.mean) and \($0.standardDeviation)"
    }
    return "\(type(of: net)), \(width) features of \(layerName) at \(imageSize)"
      + (normalized ?? "")
  }
}

/// Where the features come from that a ``Distillation`` learns.
public enum Teacher: Sendable {
  /// Features of shape [count, width], one row for each image of the data set, computed once: every
  /// view of an image is to give those of the whole, unchanged image.
  case kept(Tensor)
  /// A network that looks at each view, as lightly-train has it: a view is to give what the teacher
  /// makes of this view. Each step pays for the teacher.
  case live(TeacherNetwork)

  /// The features of a picture.
  public var width: Int {
    switch self {
    case .kept(let features): features.shape[1]
    case .live(let network): network.width
    }
  }
}

/// One view of each image, or two, and what the teacher is known to say of the images.
public struct TaughtViews: ViewSet {
  /// The views, each of shape [count, height, width, channels].
  public let views: [Tensor]
  /// The teacher's features of the images, of shape [count, width], if they are known.
  public let teacher: Tensor?

  private let drawnPair: @Sendable () -> ViewPair

  /// One view of each image.
  ///
  /// - Parameters:
  ///   - view: Shape [count, height, width, channels].
  ///   - teacher: The teacher's features of the images, of shape [count, width], if they are known.
  ///   - pair: Draws two views of each image for who looks at pairs, which no loss does; the one view
  ///     twice if nil.
  public init(
    _ view: Tensor, teacher: Tensor? = nil, pair: (@Sendable () -> ViewPair)? = nil
  ) {
    (views, self.teacher) = ([view], teacher)
    drawnPair = pair ?? { ViewPair(first: view, second: view) }
  }

  /// Two views, for a teacher that looks at them.
  public init(_ pair: ViewPair) {
    (views, teacher, drawnPair) = ([pair.first, pair.second], nil, { pair })
  }

  /// Two views of each image, drawn now where the loss has one.
  public var pair: ViewPair { drawnPair() }

  /// How many images there are.
  public var count: Int { views[0].shape[0] }
}
