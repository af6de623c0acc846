// Writes networks as ONNX, each with inputs and what it gives for them, for Tests/Scripts/onnx.
import Arguments
import Foundation
import SelfSupervised
import Tensor
import TestSupport

/// torchvision's networks at their size, and the heads of learners.
func large() throws -> [ExportedNetwork] {
  let depths: [ResNet.Depth] = [.resNet18, .resNet34, .resNet50]
  let networks =
    depths.map { ExportedNetwork("\($0.rawValue)", [64, 64, 3], $0()) } + [
      ExportedNetwork(
        "resnet18-small", [32, 32, 3], ResNet.resNet18(stem: .small), hiddenLayer: "avgpool"),
      ExportedNetwork(
        "resnet50-standardized", [96, 96, 3], ResNet.resNet50(norm: .groupStandardized(32))),
      ExportedNetwork("byol-head", [64], Heads.byol(64, hidden: 128, outputs: 32)),
      ExportedNetwork(
        "byol-normalized-head", [64], Heads.byolNormalized(64, hidden: 128, outputs: 32)),
      ExportedNetwork(
        "simsiam-projector", [64], Heads.simSiamProjector(64, hidden: 64, outputs: 64)),
      ExportedNetwork("simsiam-predictor", [64], Heads.simSiamPredictor(64, hidden: 16)),
      ExportedNetwork("simclr-head", [64], Heads.simCLR(64, hidden: 64, outputs: 32)),
      ExportedNetwork("simclr-head-3", [64], Heads.simCLRThreeLayer(64, hidden: 64, outputs: 32)),
      ExportedNetwork("nnclr-head", [64], Heads.nnclr(64, hidden: 64, outputs: 32)),
      ExportedNetwork("barlow-twins-head", [64], Heads.barlowTwins(64, hidden: 64, outputs: 32)),
      ExportedNetwork("vicreg-head", [64], Heads.vicReg(64, hidden: 64, outputs: 32)),
    ]
  for network in networks { try Formula.fill(network.net, prefix: network.name) }
  return networks
}

runProgram("ONNXNetworks") {
  let words = CommandLine.arguments.dropFirst()
  guard let directory = words.first, words.count == 1 else {
    throw UsageError("usage: ONNXNetworks DIRECTORY")
  }
  try makeDirectory(at: directory)
  for network in try ExportedNetwork.small() + ExportedNetwork.operations + large() {
    let path = "\(directory)/\(network.name)"
    try network.net.exportONNX(
      to: path + ".onnx", inputShape: network.inputShape, hiddenLayer: network.hiddenLayer,
      metadata: ["name": network.name])
    var entries: [StateDict.Entry] = []
    for count in [1, 2, 5] {
      let inputs = network.inputs(count)
      entries.append(
        .init("input\(count)", inputs.rank == 4 ? inputs.permuted([0, 3, 1, 2]) : inputs))
      // Winograd's transforms round more than 1e-4 of the output away where fifty layers of
      // standardized weights enlarge it; what is checked here is the graph.
      let isSensitive = network.name == "resnet50-standardized"
      let output = try withConvolutionAlgorithm(isSensitive ? .automatic : .automatic) {
        try network.outputs(for: inputs)
      }
      entries.append(.init("output\(count)", output))
    }
    try StateDict(entries).write(to: path + ".safetensors")
  }
}
