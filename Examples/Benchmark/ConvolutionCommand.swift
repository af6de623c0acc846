import Arguments
import Foundation
import Tensor

/// One of the convolutions of a network.
private struct Case {
  let network: String
  let size: Int
  let inputs: Int
  let outputs: Int
  let kernel: Int
  let stride: Int
  var groups = 1

  var name: String {
    "\(network) \(size)x\(size) \(inputs)->\(outputs) k\(kernel) s\(stride)"
      + (groups > 1 ? " g\(groups)" : "")
  }
  var outputSize: Int { (size + 2 * (kernel / 2) - kernel) / stride + 1 }

  /// Operations of the direct method in one forward pass, counting multiply-adds as two.
  func operations(batch: Int) -> Double {
    2 * Double(batch * outputSize * outputSize * outputs * inputs / groups * kernel * kernel)
  }
}

/// Those of the main job's network.
private let resNet10 = [
  (20, 1, 16, 3, 1), (20, 16, 16, 3, 1), (20, 16, 32, 3, 2), (20, 16, 32, 1, 2), (10, 32, 32, 3, 1),
  (10, 32, 64, 3, 2), (10, 32, 64, 1, 2), (5, 64, 64, 3, 1), (5, 64, 128, 3, 2), (5, 64, 128, 1, 2),
  (3, 128, 128, 3, 1),
].map { Case(network: "r10", size: $0.0, inputs: $0.1, outputs: $0.2, kernel: $0.3, stride: $0.4) }

private let resNet18 = [
  (32, 3, 64, 3, 1), (32, 64, 64, 3, 1), (32, 64, 128, 3, 2), (32, 64, 128, 1, 2),
  (16, 128, 128, 3, 1), (16, 128, 256, 3, 2), (16, 128, 256, 1, 2), (8, 256, 256, 3, 1),
  (8, 256, 512, 3, 2), (8, 256, 512, 1, 2), (4, 512, 512, 3, 1),
].map { Case(network: "r18", size: $0.0, inputs: $0.1, outputs: $0.2, kernel: $0.3, stride: $0.4) }

private let resNet50 = [
  (224, 3, 64, 7, 2), (56, 64, 64, 1, 1), (56, 64, 64, 3, 1), (56, 64, 256, 1, 1),
  (56, 256, 64, 1, 1), (56, 256, 128, 1, 1), (56, 128, 128, 3, 2), (56, 256, 512, 1, 2),
  (28, 128, 512, 1, 1), (28, 512, 128, 1, 1), (28, 128, 128, 3, 1), (28, 512, 256, 1, 1),
  (28, 256, 256, 3, 2), (28, 512, 1_024, 1, 2), (14, 256, 1_024, 1, 1), (14, 1_024, 256, 1, 1),
  (14, 256, 256, 3, 1), (14, 1_024, 512, 1, 1), (14, 512, 512, 3, 2), (14, 1_024, 2_048, 1, 2),
  (7, 512, 2_048, 1, 1), (7, 2_048, 512, 1, 1), (7, 512, 512, 3, 1),
].map { Case(network: "r50", size: $0.0, inputs: $0.1, outputs: $0.2, kernel: $0.3, stride: $0.4) }

/// The depthwise ones of EfficientNet-Lite0 for images of 64 pixels, and a grouped one of ResNeXt.
private let efficientNet =
  [
    (32, 32, 3, 1), (32, 96, 3, 2), (16, 144, 3, 1), (16, 144, 5, 2), (8, 240, 5, 1),
    (8, 240, 3, 2), (4, 480, 3, 1), (4, 480, 5, 1), (4, 672, 5, 1), (4, 672, 5, 2),
    (2, 1_152, 5, 1), (2, 1_152, 3, 1),
  ].map {
    Case(
      network: "lite0", size: $0.0, inputs: $0.1, outputs: $0.1, kernel: $0.2, stride: $0.3,
      groups: $0.1)
  } + [
    Case(
      network: "resnext", size: 16, inputs: 128, outputs: 128, kernel: 3, stride: 1, groups: 32)
  ]

private let networks: [String: (cases: [Case], batch: Int)] = [
  "resnet10": (resNet10, 128), "resnet18": (resNet18, 64), "resnet50": (resNet50, 8),
  "efficientnet": (efficientNet, 64),
]

private let flags = [
  Flag(
    "--net", "NAME",
    "resnet10 (20 pixels, width 16), resnet18 (32, small stem), resnet50 (224) or efficientnet (64)",
    standard: "resnet18"),
  Flag("--batch", "N", "images; 64, 128 for resnet10 or 8 for resnet50, if not given"),
  Flag("--repeats", "N", "runs of which the median counts", standard: "7"), precisionFlag,
]

/// The speed of every distinct convolution of a network, in operations of the direct method, and
/// how far it is from the direct method that rounds nothing.
@Sendable func runConvolution(_ words: [String]) throws {
  guard let arguments = try arguments(words, of: "convolution", flags: flags) else { return }
  let name = try arguments.choice("--net", of: networks.keys.sorted())
  let network = networks[name] ?? (resNet18, 64)
  let batch = try arguments.optionalInteger("--batch", in: 1...4_096) ?? network.batch
  let repeats = try arguments.integer("--repeats", in: 1...1_000)
  let precision: MatmulPrecision = try arguments.choice("--precision")
  for entry in network.cases {
    let (error, speeds) = withMatmulPrecision(precision) {
      let error = deviation(entry, batch: batch)
      startAfresh()
      return (error, measure(entry, batch: batch, repeats: repeats).map { $0.rounded(to: 0) })
    }
    show(
      [
        "convolution": entry.name, "batch": batch, "forward": speeds[0],
        "input_gradient": speeds[1], "weight_gradient": speeds[2],
        "error": String(format: "%.1e", error),
      ], asJSON: arguments.has("--json"))
  }
}

private func operands(_ entry: Case, batch: Int) -> (images: Tensor, weight: Tensor) {
  var stream = RandomStream(seed: 0)
  let inputs = entry.inputs / entry.groups
  let fan = Float(entry.kernel * entry.kernel * inputs)
  return (
    .normal([batch, entry.size, entry.size, entry.inputs], using: &stream),
    .normal(
      [entry.outputs, entry.kernel, entry.kernel, inputs],
      standardDeviation: 1 / fan.squareRoot(), using: &stream)
  )
}

private func convolve(_ entry: Case, _ images: Tensor, _ weight: Tensor) -> Tensor {
  let (stride, padding) = (entry.stride, entry.kernel / 2)
  return convolution(
    images, weight, stride: Size2D(stride), padding: Size2D(padding), groups: entry.groups)
}

/// GFLOP/s of the forward pass and of the gradients, each alone.
private func measure(_ entry: Case, batch: Int, repeats: Int) -> [Double] {
  let (numbers, weight) = operands(entry, batch: batch)
  let images = carried(numbers)
  let gradient = carried(.ones([batch, entry.outputSize, entry.outputSize, entry.outputs]))
  func backward(_ images: Tensor, _ weight: Tensor) -> Double {
    func once() -> Double {
      let result = convolve(entry, images, weight)
      return seconds { _ = result.inputGradients(gradient) }
    }
    _ = once()
    return (0..<repeats).map { _ in once() }.median
  }
  let times = [
    medianSeconds(of: repeats) { _ = convolve(entry, images, weight) },
    backward(images.tracked, weight), backward(images, weight.tracked),
  ]
  return times.map { entry.operations(batch: batch) / $0 / 1e9 }
}

/// Images as a network's convolutions get them: in 16 bits with products of bfloat16, made by one that
/// copies them.
private func carried(_ images: Tensor) -> Tensor {
  let channels = images.shape[3]
  let copy = Tensor.identity(channels).reshaped([channels, 1, 1, channels])
  return convolution(images, copy)
}

/// The largest difference from the direct method without rounding, relative to its root mean
/// square, over the result and both gradients.
private func deviation(_ entry: Case, batch: Int) -> Float {
  let (images, weight) = operands(entry, batch: batch)
  var stream = RandomStream(seed: 1)
  let gradient = Tensor.normal(
    [batch, entry.outputSize, entry.outputSize, entry.outputs], using: &stream)
  func all() -> [Tensor] {
    let result = convolve(entry, images.tracked, weight.tracked)
    return [result.detached] + result.inputGradients(gradient).compactMap { $0 }
  }
  let direct = withMatmulPrecision(.float32) { withConvolutionAlgorithm(.direct, all) }
  return zip(all(), direct).map { fast, slow in
    abs(fast - slow).max().item / sqrt(square(slow).mean()).item
  }.max() ?? 0
}
