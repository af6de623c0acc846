import Arguments
import Foundation
import SelfSupervised
import Training

private let methods = MethodName.allCases.map(\.rawValue)
private let nets = NetworkName.allCases.map(\.rawValue)

private let flags = [
  Flag("--method", "NAME", methods.joined(separator: ", "), standard: "byol"),
  Flag("--net", "NAME", nets.joined(separator: ", "), standard: "resnet18"),
  Flag("--stem", "NAME", "small (3x3, no max-pool) or imagenet", standard: "small"),
  Flag("--width", "N", "channels of the first level", standard: "64"),
  Flag("--patch", "PIXELS", "side of a vision transformer's patches", standard: "16"),
  Flag("--size", "PIXELS", "height and width of the images", standard: "32"),
  Flag("--batch", "N", "images in a step", standard: "64"),
  Flag("--steps", "N", "steps that are timed", standard: "10"),
  Flag("--warmup", "N", "steps before those", standard: "2"), precisionFlag,
]

/// Times whole steps: both views, backward, Adam and the moving average, without augmentation.
@Sendable func runStep(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "step", flags: flags) else { return }
  let method = try arguments.choice("--method", of: MethodName.self)
  let batch = try arguments.integer("--batch", in: 2...65_536)
  let size = try arguments.integer("--size", in: 1...4_096)
  let warmup = try arguments.integer("--warmup", in: 0...100_000)
  let steps = try arguments.integer("--steps", in: 1...100_000)
  let step = method.step(try network(arguments, size: size), size: size, batch: batch)
  let times = withMatmulPrecision(try arguments.choice("--precision")) {
    for _ in 0..<warmup { step() }
    return (0..<steps).map { _ in seconds { step() } }
  }
  show(
    [
      "method": method.rawValue, "ms_median": (times.median * 1e3).rounded(to: 1),
      "ms_min": ((times.min() ?? .nan) * 1e3).rounded(to: 1),
      "images_per_second": (Double(batch) / times.median).rounded(to: 1),
      "blas_core": Machine.blasCore.inUse,
    ], asJSON: arguments.has("--json"))
}

private func network(_ arguments: Arguments, size: Int) throws -> any Module {
  let stem: ResNet.Stem =
    try arguments.choice("--stem", of: ["small", "imagenet"]) == "small" ? .small : .imageNet
  let width = try arguments.integer("--width", in: 1...4_096)
  let patch = try arguments.integer("--patch", in: 1...4_096)
  switch try arguments.choice("--net", of: NetworkName.self) {
  case .resNet(let depth): return withRandomSeed(0) { depth(stem: stem, width: width) }
  case .visionTransformer(let transformer):
    guard size.isMultiple(of: patch) else {
      throw UsageError("--size needs a multiple of --patch \(patch); got \(size)")
    }
    return withRandomSeed(0) { transformer(patchSize: patch, imageSize: size) }
  }
}
