import Arguments
import Foundation
import Nets
import SelfSupervised
import Tensor

private let flags = [
  Flag("--method", "NAME", "byol or simsiam", standard: "byol"),
  Flag("--net", "NAME", "resnet18, resnet34, resnet50 or resnet101", standard: "resnet18"),
  Flag("--stem", "NAME", "small (3x3, no max-pool) or imagenet", standard: "small"),
  Flag("--width", "N", "channels of the first level", standard: "64"),
  Flag("--size", "PIXELS", "height and width of the images", standard: "32"),
  Flag("--batch", "N", "images in a step", standard: "64"),
  Flag("--steps", "N", "steps that are timed", standard: "10"),
  Flag("--warmup", "N", "steps before those", standard: "2"),
  Flag("--threads", "N", "threads to use; all cores if not given"),
  Flag("--json", "one JSON line instead of a sentence"),
  Flag("--help", "this text"),
]

/// Times whole steps: both views, backward, Adam and the moving average, without augmentation.
@Sendable func runStep(_ words: [String]) throws {
  let arguments = try Arguments(words, flags: flags)
  if arguments.has("--help") {
    print("usage: benchmark step [flags]\n\n\(flags.help)")
    return
  }
  if let threads = try arguments.optionalInteger("--threads", in: 1...1_024) {
    Threads.count = threads
  }
  let size = try arguments.integer("--size", in: 1...4_096)
  let batch = try arguments.integer("--batch", in: 2...65_536)
  let steps = try arguments.integer("--steps", in: 1...100_000)
  let net = try network(arguments)
  let learner = BYOL(
    net, imageSize: Size2D(height: size, width: size), hiddenLayer: "avgpool",
    useMomentum: try arguments.choice("--method", of: ["byol", "simsiam"]) == "byol", seed: 1)
  let optimizer = Adam(learner.parameters, learningRate: 3e-4)
  var stream = RandomStream(seed: 2)
  let first = Tensor.normal([batch, size, size, 3], using: &stream)
  let second = Tensor.normal([batch, size, size, 3], using: &stream)
  func step() {
    optimizer.zeroGradients()
    learner.loss(first, second).backward()
    optimizer.step()
    learner.updateMovingAverage()
  }
  for _ in 0..<(try arguments.integer("--warmup", in: 0...100_000)) { step() }
  let times = (0..<steps).map { _ in seconds(step) }
  report(times, batch: batch, asJSON: arguments.has("--json"))
}

private func network(_ arguments: Arguments) throws -> ResNet {
  let stem: ResNet.Stem =
    try arguments.choice("--stem", of: ["small", "imagenet"]) == "small" ? .small : .imageNet
  let width = try arguments.integer("--width", in: 1...4_096)
  return try withRandomSeed(0) {
    switch try arguments.choice("--net", of: ["resnet18", "resnet34", "resnet50", "resnet101"]) {
    case "resnet18": .resNet18(stem: stem, width: width)
    case "resnet34": .resNet34(stem: stem, width: width)
    case "resnet50": .resNet50(stem: stem, width: width)
    default: .resNet101(stem: stem, width: width)
    }
  }
}

private func report(_ times: [Double], batch: Int, asJSON: Bool) {
  let (median, least) = (decimal(times.median * 1e3), decimal((times.min() ?? .nan) * 1e3))
  let speed = decimal(Double(batch) / times.median)
  let peak = Machine.peakResidentSize / 1_000_000
  let core = Machine.blasCore.inUse
  if asJSON {
    print(
      """
      {"ms_median":\(median),"ms_min":\(least),"images_per_second":\(speed),\
      "peak_rss_mb":\(peak),"threads":\(Threads.count),"blas_core":"\(core)"}
      """)
  } else {
    print(
      "\(median) ms a step (least \(least)), \(speed) images/s, \(peak) MB at most, "
        + "\(Threads.count) threads, \(core)")
  }
}

private func decimal(_ value: Double) -> String { String(format: "%.1f", value) }
