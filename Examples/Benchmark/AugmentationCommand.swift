import Arguments
import SelfSupervised

private let flags = [
  Flag("--size", "PIXELS", "height and width of images and views", standard: "32"),
  Flag("--images", "N", "images in a batch", standard: "128"),
  Flag("--repeats", "N", "batches of which the median counts", standard: "7"),
]

/// The speed of SimCLR's views, on one thread and on all.
@Sendable func runAugmentation(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "augmentation", flags: flags) else { return }
  let side = try arguments.integer("--size", in: 1...4_096)
  let count = try arguments.integer("--images", in: 1...65_536)
  let repeats = try arguments.integer("--repeats", in: 1...1_000)
  var stream = RandomStream(seed: 0)
  let images = Tensor.uniform([count, side, side, 3], in: 0..<1, using: &stream)
  let augmentation = Compose.simCLR(imageSize: Size2D(side))
  for threads in Set([1, Threads.count]).sorted() {
    Threads.count = threads
    startAfresh()
    let time = medianSeconds(of: repeats) {
      _ = views(of: images, by: augmentation, using: stream.split())
    }
    show(
      [
        "size": side, "ms_median": (time * 1e3).rounded(to: 2),
        "views_per_second": (Double(count) / time).rounded(to: 0),
      ], asJSON: arguments.has("--json"))
  }
}
