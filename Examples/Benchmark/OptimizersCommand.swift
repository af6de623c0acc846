import Arguments
import SelfSupervised

private let flags = [
  Flag("--repeats", "N", "updates of which the median counts", standard: "15")
]

/// One way to update parameters, and what it moves through memory for each of them.
private struct Update: Sendable {
  let name: String
  let bytesPerParameter: Int
  /// What updates all parameters of a network once.
  let make: @Sendable (ResNet) -> () -> Void
}

private let updates = [
  // Reads weight, gradient and velocity; writes weight and velocity.
  Update(name: "sgd", bytesPerParameter: 20) { net in
    SGD(net.parameters, learningRate: 1e-3, momentum: 0.9).step
  },
  // Reads weight, gradient and two moments; writes weight and moments.
  Update(name: "adam", bytesPerParameter: 28) { net in
    Adam(net.parameters, learningRate: 1e-3).step
  },
  // Reads weight and gradient for the lengths, and then what SGD does.
  Update(name: "lars", bytesPerParameter: 28) { net in
    LARS(net.parameterGroups(weightDecay: 1e-6), learningRate: 0.1, variant: .lightly).step
  },
  // Reads weight and target; writes the target.
  Update(name: "moving-average", bytesPerParameter: 12) { net in
    let target = TargetNetwork(["net": net], decay: 0.99)
    return { target.update() }
  },
]

/// The time of an update of all parameters of ResNet-50, 25.6 million, and the bytes it moves.
@Sendable func runOptimizers(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "optimizers", flags: flags) else { return }
  let repeats = try arguments.integer("--repeats", in: 1...10_000)
  for update in updates {
    startAfresh()
    let net = withRandomSeed(0) { ResNet.resNet50() }
    var stream = RandomStream(seed: 1)
    for parameter in net.parameters {
      parameter.gradient = .normal(parameter.shape, standardDeviation: 1e-3, using: &stream)
    }
    let count = net.parameters.reduce(0) { $0 + $1.shape.elementCount }
    let time = medianSeconds(of: repeats, update.make(net))
    show(
      [
        "update": update.name, "parameters": count, "ms_median": (time * 1e3).rounded(to: 2),
        "bytes_per_parameter": update.bytesPerParameter,
        "gb_per_second": (Double(count * update.bytesPerParameter) / time / 1e9).rounded(to: 1),
      ], asJSON: arguments.has("--json"))
  }
}
