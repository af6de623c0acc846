import Nets
import Tensor

/// A network that is exported, with the shape of one of its inputs.
public struct ExportedNetwork {
  /// What its numbers are made from.
  public let name: String
  /// The network.
  public let net: any Module
  /// Without the count.
  public let inputShape: TensorShape
  /// The layer whose output is exported; the network's if it is nil.
  public let hiddenLayer: HiddenLayer?

  /// A network with its numbers as they are.
  public init(
    _ name: String, _ inputShape: TensorShape, _ net: any Module, hiddenLayer: HiddenLayer? = nil
  ) {
    (self.name, self.inputShape, self.net) = (name, inputShape, net)
    self.hiddenLayer = hiddenLayer
  }

  /// Some inputs, positive and negative.
  public func inputs(_ count: Int) -> Tensor {
    let shape = TensorShape([count] + inputShape.dimensions)
    return Tensor(Formula.centred("\(name)/\(count)", shape.elementCount), shape: shape)
  }

  /// What the network gives in evaluation mode, as the model gives it: channels second.
  public func outputs(for inputs: Tensor) throws -> Tensor {
    let layer = try hiddenLayer?.resolve(in: net)
    let output = net.evaluating {
      withoutGradients {
        guard let layer else { return net(inputs) }
        return ActivationTap.output(of: layer) { _ = net(inputs) }.output ?? .zeros([])
      }
    }
    if layer != nil, output.rank == 4, output.shape[1] * output.shape[2] == 1 {
      return output.flattened(from: 1)
    }
    return output.rank == 4 ? output.permuted([0, 3, 1, 2]) : output
  }

  /// Networks of every kind of layer, small and with numbers that their names give.
  public static func small() throws -> [ExportedNetwork] {
    let networks =
      residual + [
        ExportedNetwork("u-net", [16, 12, 2], SmallUNet()),
        ExportedNetwork("branches", [12, 16, 3], Branches()),
        ExportedNetwork("tokens", [8, 8, 3], Tokens()),
        ExportedNetwork("transformer", [8, 12, 3], transformer(.classToken)),
        ExportedNetwork("averaged-transformer", [8, 12, 3], transformer(.average)),
        ExportedNetwork(
          "mlp", [7],
          Sequential {
            MLP([7, 9, 6], batchNorm: true)
            BatchNorm(6, affine: false)
            Dropout(0.5)
          }),
        ExportedNetwork(
          "flattened", [4, 6, 3],
          Sequential {
            Conv2d(3, 5, kernelSize: [3, 1], stride: [1, 2], dilation: [1, 2])
            AveragePool([2, 1], stride: 1, padding: [1, 0])
            Flatten()
            Linear(45, 4)
          }),
        // Pixels whose channels come before the count where they are computed.
        ExportedNetwork(
          "turned-features", [6],
          Sequential {
            Lambda { x in
              let weight = Tensor(Formula.centred("weight", 24), shape: [1, 1, 4, 6])
              return matmul(weight, x.transposed().reshaped([1, 1, 6, -1])).permuted([3, 0, 1, 2])
            }
          }, hiddenLayer: "0"),
      ]
    for network in networks { try Formula.fill(network.net, prefix: network.name) }
    return networks
  }

  /// A vision transformer of two heads, whose positions are for larger images.
  private static func transformer(_ pooling: TokenPool.Pooling) -> VisionTransformer {
    var architecture = VisionTransformer.Architecture(
      patchSize: 4, width: 8, depth: 2, headCount: 2, grid: 3)
    architecture.pooling = pooling
    (architecture.registerCount, architecture.hasLayerScale) = (1, true)
    architecture.normalizesPooled = pooling == .average
    return architecture(classCount: 3)
  }

  private static var residual: [ExportedNetwork] {
    let norms: [(String, ResNet.Norm)] = [
      ("batch", .batch), ("group", .group(2)), ("standardized", .groupStandardized(2)),
    ]
    return norms.flatMap { name, norm in
      [
        ExportedNetwork(
          "resnet10-\(name)", [16, 16, 3],
          ResNet(depth: .resNet10, stem: .small, width: 4, classCount: 5, norm: norm)),
        ExportedNetwork(
          "resnet10-\(name)-stem", [32, 40, 1],
          ResNet(depth: .resNet10, width: 4, inputChannels: 1, classCount: 5, norm: norm),
          hiddenLayer: "avgpool"),
      ]
    } + [
      ExportedNetwork(
        "bottlenecks", [8, 8, 3],
        ResNet(depth: .resNet50, stem: .small, width: 2, classCount: 3), hiddenLayer: "layer3.1.bn2"
      )
    ]
  }
}

/// Down by pooling, up by a transposed convolution and by interpolation, with shortcuts.
private final class SmallUNet: Module {
  let down1 = Conv2d(2, 4, kernelSize: 3, padding: 1)
  let down2 = Conv2d(4, 8, kernelSize: 3, padding: 1, bias: false)
  let norm = BatchNorm(8)
  let bottom = Conv2d(8, 8, kernelSize: 3, padding: 1)
  let pool = MaxPool(2)
  let up2 = ConvTranspose2d(8, 4, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1)
  let join = Conv2d(12, 4, kernelSize: 1)
  let up1 = Upsample(factor: 2, interpolation: .bilinear)
  let head = ConvTranspose2d(8, 3, kernelSize: [1, 3], padding: [0, 1], bias: false)
  let relu = ReLU()

  func forward(_ images: Tensor) -> Tensor {
    let first = leakyReLU(down1(images), slope: 0.2)
    let second = norm(down2(pool(first)), then: relu)
    let up = concatenated([up2(elu(bottom(pool(second)))), second], axis: 3)
    return softmax(head(concatenated([first, up1(join(up))], axis: -1)), axis: -1)
  }
}

/// Branches that meet, with all that attention to channels and normalisation needs.
private final class Branches: Module {
  let stem = WeightStandardized(Conv2d(3, 8, kernelSize: 3, padding: 1))
  let group = GroupNorm(groups: 4, 8)
  let depthwise = Conv2d(8, 8, kernelSize: 3, padding: 2, dilation: 2, groups: 8)
  let layer = LayerNorm(8)
  let widen = Linear(8, 16)
  let narrow = Linear(16, 8, bias: false)
  let squeeze = Linear(8, 4)
  let excite = Linear(4, 8)
  let activations = Sequential {
    GELU()
    SiLU()
    LeakyReLU(slope: 0.3)
    Tanh()
    Sigmoid()
    Dropout(0.3)
    Identity()
  }
  let scale = Parameter(.ones([8]))

  func forward(_ images: Tensor) -> Tensor {
    let x = group(stem(images))
    let spatial = narrow(gelu(widen(layer(depthwise(x))))) * scale.value
    let gate = sigmoid(excite(relu(squeeze(x.mean(axes: [1, 2])))))
    let gated = x * gate.reshaped([-1, 1, 1, 8])
    let pooled = averagePool(activations(x), window: 3, stride: 2, padding: 1)
    let sizes = Size2D(height: x.shape[1], width: x.shape[2])
    let grown = resized(pooled, to: sizes, interpolation: .bicubic)
    let masked = select(grown .> 0.4, grown, -grown)
    let all = concatenated(
      [spatial + x, gated, maximum(masked, x) - minimum(gated, 0 * x)], axis: 3)
    return all.padded([(0, 0), (1, 0), (0, 2), (0, 0)]).flipped([2])
  }
}

/// Images as tokens with attention, a class token and positions.
private final class Tokens: Module {
  let patches = Conv2d(3, 8, kernelSize: 4, stride: 4)
  let token = Parameter(.ones([1, 1, 8]), name: "cls_token")
  let positions = Parameter(.ones([1, 5, 8]))
  let norm = LayerNorm(8)
  let qkv = Linear(8, 24)
  let out = Linear(8, 8)
  let head = Linear(8, 3)

  func forward(_ images: Tensor) -> Tensor {
    let count = images.shape[0]
    let maps = patches(images)
    let tokens = concatenated(
      [token.value.broadcast(to: [count, 1, 8]), maps.reshaped([count, 4, 8])], axis: 1)
    let x = tokens + positions.value
    // [3, count, heads, tokens, 4]
    let parts = qkv(norm(x)).reshaped([count, 5, 3, 2, 4]).permuted([2, 0, 3, 1, 4])
    let weights = softmax(matmul(parts[0], parts[1].transposed()) * 0.5)
    let mixed = matmul(weights, parts[2]).permuted([0, 2, 1, 3]).reshaped([count, 5, 8])
    let y = l2Normalized(x + out(mixed))
    return head(y.permuted([1, 0, 2])[0])
  }
}

// MARK: - Single operations

extension ExportedNetwork {
  /// One network for each operation that has a counterpart, on its own.
  public static var operations: [ExportedNetwork] {
    elementwise + products + movement + images
  }

  private static func vectors(
    _ name: String, _ function: @escaping (Tensor) -> Tensor
  ) -> ExportedNetwork {
    ExportedNetwork(name, [6], Lambda(function))
  }

  private static func maps(
    _ name: String, _ function: @escaping (Tensor) -> Tensor
  ) -> ExportedNetwork {
    ExportedNetwork(name, [6, 5, 4], Lambda(function))
  }

  private static let row = Tensor([0.3, -0.2, 0.5, -0.7, 0.1, 0.25])

  private static var elementwise: [ExportedNetwork] {
    [
      vectors("relu", relu), vectors("leaky-relu") { leakyReLU($0) }, vectors("elu") { elu($0) },
      vectors("gelu", gelu), vectors("sigmoid", sigmoid), vectors("silu", silu),
      vectors("tanh", tanh), vectors("softplus") { softplus(30 * $0) }, vectors("exp", exp),
      vectors("log") { log($0 + 1.5) }, vectors("log1p") { log1p($0 / 2) },
      vectors("sqrt") { sqrt(square($0)) }, vectors("rsqrt") { rsqrt(2 - $0) },
      vectors("pow") { pow($0, 3) }, vectors("abs", abs), vectors("sin", sin), vectors("cos", cos),
      vectors("clamp") { clamp($0, to: -0.25...0.5) }, vectors("negated") { -$0 },
      vectors("sums") { ($0 + row) - (1 - $0) + (row - $0) * ($0 * 2 - 3) },
      vectors("quotients") { ($0 / (row + 2)) + (row / ($0 + 3)) + 1 / ($0 + 2) + $0 / 4 },
      vectors("extremes") { maximum($0, row) + 3 * minimum($0, row) },
      vectors("comparisons") {
        let first = ($0 .> row) + 2 * ($0 .< 0.1) + 4 * ($0 .>= row) + 8 * ($0 .<= row)
        return first + 16 * ($0 .> 0.3) + 32 * (relu($0) .== 0 * $0) + 64 * ($0 .< row)
      },
      vectors("select") { select($0 .> 0, row, $0 * 2) },
      vectors("softmax") { softmax($0) + logSoftmax(3 * $0) },
      vectors("l2-normalized") {
        l2Normalized($0) + cosineSimilarity($0, row + $0).reshaped([-1, 1])
      },
      maps("softmax-of-rows") { softmax($0, axis: 1) }, maps("l2-of-maps") { l2Normalized($0) },
      vectors("detached") { $0.detached * 2 },
    ]
  }

  private static var products: [ExportedNetwork] {
    let weight = Tensor(Formula.centred("weight", 24), shape: [4, 6])
    return [
      vectors("linear") { linear($0, weight) },
      vectors("matmul") { matmul($0, weight.transposed()) },
      maps("linear-of-maps") {
        linear($0, weight.transposed().cropped(at: [0, 0], shape: [6, 4]))
      },
      maps("batched-matmul") { matmul($0.permuted([0, 3, 1, 2]), $0.permuted([0, 3, 2, 1])) },
      maps("matmul-of-maps") { matmul($0, weight) },
      maps("sum") {
        $0.sum(axes: [3]) + $0.sum(axes: [3], keepingAxes: true).reshaped([-1, 6, 5])
      },
      maps("mean") { $0.mean(axes: [1]) * $0.mean(axes: [1, 2, 3]).reshaped([-1, 1, 1]) },
      maps("variance") { $0.variance(axes: [1, 2], correction: 1) },
      maps("extreme-maps") { $0.max(axes: [2]) - $0.min(axes: [1, 2]).reshaped([-1, 1, 4]) },
      maps("norm") {
        $0.norm(axes: [3], keepingAxes: true) * $0.logSumExp(axis: 2, keepingAxes: true)
      },
      maps("global-average") { globalAveragePool($0) },
      maps("mean-of-batch") { $0 - $0.mean(axes: [0], keepingAxes: true) },
    ]
  }

  private static var movement: [ExportedNetwork] {
    [
      maps("reshaped") { $0.reshaped([-1, 5, 24]) }, maps("flattened") { $0.flattened(from: 1) },
      maps("permuted") { $0.permuted([0, 2, 3, 1]) * 2 },
      maps("permuted-twice") { ($0.permuted([0, 2, 1, 3]) * 2).permuted([0, 2, 1, 3]) + $0 },
      vectors("transposed") { ($0.transposed() + 1).transposed() },
      vectors("broadcast") { $0.reshaped([-1, 1, 6]).broadcast(to: [$0.shape[0], 3, 6]) + 0 },
      maps("broadcast-maps") { $0.mean(axes: [1, 2], keepingAxes: true).broadcast(to: $0.shape) },
      maps("constant-rows") { concatenated([$0, .ones([$0.shape[0], 6, 2, 4])], axis: 2) },
      maps("flipped") { $0.flipped([1, 3]) },
      maps("padded") { $0.padded([(0, 0), (1, 2), (0, 0), (3, 0)], value: 0.5) },
      maps("cropped") { $0.cropped(at: [0, 1, 2, 0], shape: [$0.shape[0], 4, 3, 4]) },
      vectors("first-of-batch") { $0 + $0[0] },
      vectors("picked") { $0.transposed().indexSelect([4, 0]) },
      maps("concatenated") { concatenated([$0, 2 * $0, $0.flipped([2])], axis: 2) },
      maps("stacked") { stacked([$0, 2 * $0], axis: 1).sum(axes: [1]) },
      maps("twice-the-batch") { concatenated([$0, -$0]) },
    ]
  }

  private static var images: [ExportedNetwork] {
    func weight(_ shape: TensorShape) -> Tensor {
      Tensor(Formula.centred("kernels", shape.elementCount), shape: shape)
    }
    func grown(_ name: String, _ size: Size2D, _ way: Interpolation, _ antialias: Bool = false)
      -> ExportedNetwork
    {
      maps(name) { resized($0, to: size, interpolation: way, antialias: antialias) }
    }
    return [
      maps("convolution") {
        convolution(
          $0, weight([6, 3, 2, 2]), bias: row, stride: [2, 1], padding: [1, 2], groups: 2)
      },
      maps("transposed-convolution") {
        transposedConvolution(
          $0, weight([4, 3, 2, 3]), bias: row, stride: [3, 2], padding: [1, 0],
          outputPadding: [2, 1], groups: 2)
      },
      maps("max-pool") { maxPool($0, window: [3, 2], stride: [2, 1], padding: [1, 1]) },
      maps("average-pool") { averagePool($0, window: 3, stride: 2, padding: 1) },
      grown("nearest-2", [12, 10], .nearest), grown("nearest", [7, 3], .nearest),
      grown("bilinear-2", [12, 15], .bilinear), grown("bilinear", [9, 3], .bilinear),
      grown("bicubic-2", [12, 10], .bicubic), grown("bicubic", [4, 7], .bicubic),
      grown("bilinear-antialias", [3, 2], .bilinear, true),
      grown("bicubic-antialias", [4, 3], .bicubic, true),
      maps("group-norm") { groupNorm($0, groups: 2, activation: .relu, residual: $0 * 0.5) },
      maps("batch-norm") {
        batchNorm(
          $0, mean: row[0..<4], variance: square(row[2..<6]) + 0.1, activation: .relu, residual: $0)
      },
      maps("layer-norm") { layerNorm($0) },
    ]
  }
}
