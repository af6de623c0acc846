import Arguments
import SelfSupervised
import Training

private let flags = [
  Flag("--width", "N", "channels of the first level of ResNet-18", standard: "32"),
  Flag("--steps", "N", "steps of which the median counts", standard: "3"),
]

/// How the time of BYOL's step follows the batch, the size of the images and the threads.
@Sendable func runScaling(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "scaling", flags: flags) else { return }
  let width = try arguments.integer("--width", in: 1...4_096)
  let steps = try arguments.integer("--steps", in: 1...1_000)
  let all = Threads.count
  for (batch, side) in [(16, 32), (64, 32), (256, 32), (512, 32), (64, 64)] {
    for threads in Set([1, all]).sorted() {
      Threads.count = threads
      startAfresh()
      let net = withRandomSeed(0) { ResNet.resNet18(stem: .small, width: width) }
      let step = MethodName.byol.step(net, size: side, batch: batch)
      let time = medianSeconds(of: steps) { step() }
      show(
        [
          "batch": batch, "size": side, "ms_median": (time * 1e3).rounded(to: 1),
          "ms_per_image": (time * 1e3 / Double(batch)).rounded(to: 3),
        ], asJSON: arguments.has("--json"))
    }
  }
}
