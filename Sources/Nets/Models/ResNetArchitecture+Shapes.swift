import Tensor

extension ResNet.Architecture {
  /// The network that a state is of, whatever prefix its names have: what its metadata say, or else
  /// its names and shapes.
  ///
  /// The stem is the one whose kernel the first convolution has, of 7 or of 3 pixels. Shapes do not
  /// tell the number of groups of group norm.
  ///
  /// - Parameters:
  ///   - state: A residual network's tensors, perhaps among others.
  ///   - norm: How activations are normalised, if the state does not say.
  /// - Throws: `StateError` if the state is of no such network, or does not say how it normalises.
  public init(of state: StateDict, norm: ResNet.Norm? = nil) throws {
    if let said = Self(metadata: state.metadata) {
      try said.check(in: state)
      self = said
      return
    }
    // Every depth has these names; a prefix below which they are holds the others too.
    let common = ResNet(isBottleneck: false, depths: [1, 1, 1, 1], width: 1, classCount: 1)
    let names = common.state.removing("fc").withoutCounts.map(\.name).filter {
      !$0.hasSuffix("running_mean") && !$0.hasSuffix("running_var")
    }
    guard let match = NameMatcher(names).matches(in: state.allNames).first,
      2 * match.count > names.count
    else {
      throw StateError(
        reason: "has no residual network, whose names are conv1, bn1, layer1.0.conv1 and so on")
    }
    let part = state.part(at: match)
    try self.init(ofPart: part, norm)
    try check(in: part)
  }

  /// Throws unless the largest tensors are there: a network is only made if the file is as large.
  private func check(in state: StateDict) throws {
    let size = stem == .imageNet ? 7 : 3
    for (name, shape) in [
      ("conv1.weight", TensorShape([width, inputChannels, size, size])),
      ("layer4.0.conv2.weight", [8 * width, 8 * width, 3, 3]),
    ] {
      let found = try state.tensor(named: name).shape
      guard found != shape else { continue }
      throw StateError(mismatched: [(name, shape, found)])
    }
    switch norm {
    case .group(let groups), .groupStandardized(let groups):
      guard width.isMultiple(of: groups) else {
        throw StateError(
          reason: "says that its \(width) channels are normalised in \(groups) groups")
      }
    case .batch: break
    }
  }

  /// The network whose tensors have torchvision's names.
  private init(ofPart state: StateDict, _ norm: ResNet.Norm?) throws {
    let kernel = try state.tensor(named: "conv1.weight").shape
    guard kernel.rank == 4, kernel[2] == kernel[3], [3, 7].contains(kernel[2]) else {
      throw StateError(
        reason: "begins with a convolution of shape \(kernel); ResNet has 7 by 7 or 3 by 3 pixels")
    }
    let names = Set(state.names.map { ExactName($0) })
    let blocks = (1...4).map { level in
      (0...).prefix { names.contains(ExactName("layer\(level).\($0).conv1.weight")) }.count
    }
    let isBottleneck = names.contains(ExactName("layer1.0.conv3.weight"))
    let depth = ResNet.Depth.allCases.first {
      $0.blocks == blocks && $0.isBottleneck == isBottleneck
    }
    guard let depth else {
      throw StateError(
        reason: "has \(blocks) \(isBottleneck ? "bottleneck" : "basic") blocks; the networks are "
          + ResNet.Depth.allCases.map { "\($0.rawValue) with \($0.blocks)" }
          .joined(separator: ", "))
    }
    let hasBatchNorm = names.contains(ExactName("bn1.running_mean"))
    guard let norm = norm ?? (hasBatchNorm ? .batch : nil) else {
      throw StateError(
        reason: "has no running statistics, as with group norm, and does not say how many groups "
          + "there are: ResNet(contentsOf:norm:) is told so")
    }
    self.init(
      depth: depth, stem: kernel[2] == 7 ? .imageNet : .small, width: kernel[0],
      inputChannels: kernel[1], norm: norm)
  }
}
