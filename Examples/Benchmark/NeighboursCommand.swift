import Arguments
import SelfSupervised

private let flags = [
  Flag("--bank", "N", "vectors whose labels are known", standard: "60000"),
  Flag("--queries", "N", "vectors to classify", standard: "10000"),
  Flag("--width", "N", "numbers in a vector", standard: "512"),
  Flag("--k", "N", "neighbours that vote", standard: "20"),
  Flag("--repeats", "N", "runs of which the median counts", standard: "3"),
]

/// The time in which the weighted vote of the nearest neighbours classifies random vectors.
@Sendable func runNeighbours(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "neighbours", flags: flags) else { return }
  let bankSize = try arguments.integer("--bank", in: 1...(1 << 30))
  let count = try arguments.integer("--queries", in: 1...(1 << 30))
  let width = try arguments.integer("--width", in: 1...65_536)
  let k = try arguments.integer("--k", in: 1...bankSize)
  var stream = RandomStream(seed: 0)
  let bank = Tensor.normal([bankSize, width], using: &stream)
  let queries = Tensor.normal([count, width], using: &stream)
  let labels = (0..<bankSize).map { $0 % 10 }
  startAfresh()
  let time = medianSeconds(of: try arguments.integer("--repeats", in: 1...1_000)) {
    _ = WeightedKNN(bank, labels: labels, k: k).predict(queries)
  }
  let operations = 2 * Double(bankSize) * Double(count) * Double(width)
  show(
    [
      "ms_median": (time * 1e3).rounded(to: 0),
      "queries_per_second": (Double(count) / time).rounded(to: 0),
      "gflops": (operations / time / 1e9).rounded(to: 0),
    ], asJSON: arguments.has("--json"))
}
