import Arguments
import SelfSupervised
import Training

private let flags = [
  Flag("--steps", "N", "steps of each run", standard: "50"),
  Flag("--most", "N", "the most threads of 1, 2, 3, 4, 8 and 16", standard: "16"),
  precisionFlag,
]

/// Whether the parameters have the same bits after some steps by any number of threads, and what a
/// step takes by each.
@Sendable func runThreads(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "threads", flags: flags) else { return }
  let steps = try arguments.integer("--steps", in: 1...10_000)
  let precision = try arguments.choice("--precision", of: MatmulPrecision.self)
  let most = try arguments.integer("--most", in: 2...16)
  let counts = [1, 2, 3, 4, 8, 16].filter { $0 <= most }
  for network in TrialNetwork.all {
    for method in MethodName.allCases {
      let runs = counts.map { threads in
        Threads.count = threads
        return network.train(method, steps: steps, precision)
      }
      show(
        [
          "method": method.rawValue, "network": network.name, "precision": precision.rawValue,
          "same_bits": Set(runs.map(\.parameters)).count == 1,
          "ms_by_threads": zip(counts, runs)
            .map { "\($0): \(($1.seconds * 1e3).rounded(to: 1))" }.joined(separator: "; "),
        ], asJSON: arguments.has("--json"))
    }
  }
}

/// A network with the sizes of its images and batches.
private struct TrialNetwork: Sendable {
  let name: String
  let side: Int
  let batch: Int
  let make: @Sendable () -> ResNet

  static let all = [
    TrialNetwork(name: "resnet10 of width 16", side: 20, batch: 32) {
      .resNet10(stem: .small, width: 16)
    },
    TrialNetwork(name: "resnet18", side: 32, batch: 8) { .resNet18(stem: .small) },
    TrialNetwork(name: "resnet50", side: 64, batch: 4) { .resNet50(stem: .imageNet) },
  ]

  /// All parameters after some steps, and the median time of one.
  func train(_ method: MethodName, steps: Int, _ precision: MatmulPrecision) -> (
    parameters: [UInt32], seconds: Double
  ) {
    startAfresh()
    let net = withRandomSeed(0, make)
    return withMatmulPrecision(precision) {
      let step = withRandomSeed(1) { method.step(net, size: side, batch: batch) }
      let times = (0..<steps).map { _ in seconds { step() } }
      return (net.parameters.flatMap { $0.value.scalars.map(\.bitPattern) }, times.median)
    }
  }
}
