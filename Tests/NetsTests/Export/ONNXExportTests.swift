import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

final class ONNXExportTests: XCTestCase {
  // MARK: - Numbers

  func testModelsOfNetworksComputeWhatTheNetworksDo() throws {
    for network in try ExportedNetwork.small() { try check(network) }
  }

  func testModelsOfSingleOperationsComputeWhatTheyDo() throws {
    XCTAssertGreaterThan(ExportedNetwork.operations.count, 60)
    for network in ExportedNetwork.operations { try check(network) }
  }

  private func check(_ network: ExportedNetwork) throws {
    let model = try network.net.onnxModel(
      inputShape: network.inputShape, hiddenLayer: network.hiddenLayer, metadata: [:])
    let read = try ReadModel(model.message.bytes)
    let run = ONNXInterpreter(read)
    for count in [1, 2, 5] {
      let inputs = network.inputs(count)
      let expected = try network.outputs(for: inputs)
      let found = try run(inputs.rank == 4 ? inputs.permuted([0, 3, 1, 2]) : inputs)
      XCTAssertEqual(found.shape, expected.shape, "\(network.name), \(count) inputs")
      guard found.shape == expected.shape else { continue }
      let scale = max(1, expected.scalars.map(abs).max() ?? 1)
      let difference = zip(found.scalars, expected.scalars).map { abs($0 - $1) }.max() ?? 0
      XCTAssertLessThan(difference / scale, 1e-5, "\(network.name), \(count) inputs")
    }
    XCTAssertEqual(read.input.shape[0], "batch")
    // A runtime warns of numbers that nothing uses.
    let used = Set(read.nodes.flatMap(\.inputs))
    XCTAssertEqual(Set(read.initializers.keys).subtracting(used), [], network.name)
    XCTAssertEqual(Set(read.nodes.map(\.name)).count, read.nodes.count, network.name)
  }

  // MARK: - The graph

  func testAResNetTransposesNothing() throws {
    for network in try ExportedNetwork.small() where network.net is ResNet {
      let model = try network.net.onnxModel(
        inputShape: network.inputShape, hiddenLayer: nil, metadata: [:])
      XCTAssertFalse(model.nodes.contains { $0.type == "Transpose" }, network.name)
    }
  }

  func testTheNodesOfASmallNetwork() throws {
    let net = Sequential {
      Conv2d(3, 4, kernelSize: 3, stride: 2, padding: 1)
      BatchNorm(4)
      ReLU()
      GlobalAveragePool()
      Flatten()
      Linear(4, 2)
    }
    let read = try ReadModel(
      net.onnxModel(inputShape: [8, 6, 3], hiddenLayer: nil, metadata: [:]).message.bytes)
    XCTAssertEqual(
      read.nodes.map(\.type),
      ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Reshape", "Gemm"])
    XCTAssertEqual(
      read.nodes.map(\.name),
      ["0/Conv", "1/BatchNormalization", "2/Relu", "3/GlobalAveragePool", "4/Reshape", "5/Gemm"])
    XCTAssertEqual(read.nodes[0].inputs, ["images", "0.weight", "0.bias"])
    XCTAssertEqual(
      read.nodes[1].inputs,
      ["0/Conv", "1.weight", "1.bias", "1.running_mean", "1.running_var"])
    XCTAssertEqual(read.nodes[0].integers["strides"], [2, 2])
    XCTAssertEqual(read.nodes[0].integers["pads"], [1, 1, 1, 1])
    XCTAssertEqual(read.input.shape, ["batch", "3", "8", "6"])
    XCTAssertEqual(read.output.shape, ["batch", "2"])
    XCTAssertEqual([read.formatVersion, read.operatorSet], [8, 17])
  }

  func testWeightsHaveTheNamesAndTheLayoutOfTheState() throws {
    let net = ResNet(depth: .resNet10, stem: .small, width: 4, classCount: 3)
    let model = try net.onnxModel(inputShape: [8, 8, 3], hiddenLayer: nil, metadata: [:])
    let read = try ReadModel(model.message.bytes)
    let state = net.state.entries.filter { $0.elementType == .float32 }
    XCTAssertGreaterThan(state.count, 40)
    for entry in state {
      XCTAssertEqual(
        read.initializers[entry.name],
        .floats(entry.value.scalars, entry.value.shape.dimensions), entry.name)
    }
  }

  func testAHiddenLayerOfOnePixelBecomesVectors() throws {
    let net = ResNet(depth: .resNet10, stem: .small, width: 4, classCount: 3)
    let output = try net.onnxModel(
      inputShape: [8, 8, 3], hiddenLayer: "avgpool", metadata: [:]
    ).output
    XCTAssertEqual(output.shape.sizes, [.batches(1), .fixed(32)])
    let maps = try net.onnxModel(inputShape: [8, 8, 3], hiddenLayer: "layer2", metadata: [:])
    XCTAssertEqual(maps.output.shape.sizes, [.batches(1), .fixed(8), .fixed(4), .fixed(4)])
    // What the hidden layer does not need is not there.
    XCTAssertFalse(maps.initializers.contains { $0.name.hasPrefix("layer3") })
  }

  func testTheFileSaysWhatItIs() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/net.onnx"
      try Linear(3, 2).exportONNX(to: path, inputShape: [3], metadata: ["version": "7"])
      let read = try ReadModel(contentsOf: path)
      XCTAssertEqual(read.metadata, ["name": "Linear", "layout": "as given", "version": "7"])
      XCTAssertEqual(read.input.name, "input")
      XCTAssertEqual(read.output.name, "output")
    }
  }

  // MARK: - The network

  func testTheNetworkStaysAsItWas() throws {
    let net = Sequential {
      Conv2d(3, 4, kernelSize: 3)
      BatchNorm(4)
      Dropout(0.5)
    }
    net.eval()
    (net[2] as? Dropout)?.mode = .training
    let (state, stream) = (net.state, (net[2] as? Dropout)?.stream)
    _ = try net.onnxModel(inputShape: [6, 6, 3], hiddenLayer: nil, metadata: [:])
    XCTAssertEqual((net[1] as? BatchNorm)?.mode, .evaluation)
    XCTAssertEqual((net[2] as? Dropout)?.mode, .training)
    XCTAssertEqual((net[2] as? Dropout)?.stream, stream)
    for (before, after) in zip(state.entries, net.state.entries) {
      XCTAssertTrue(before.value.hasSameNumbers(as: after.value), before.name)
    }
    XCTAssertTrue(net.parameters.allSatisfy { $0.gradient == nil && $0.value.isTracked })
  }

  // MARK: - What cannot be exported

  /// The layer and the operation at fault, which is found before anything is written.
  private func fault(
    in function: @escaping (Tensor) -> Tensor
  ) throws -> (layer: String?, operation: String?) {
    let net = Sequential {
      Linear(4, 4)
      Sequential { Lambda(function) }
    }
    var found: (String?, String?)
    try withTemporaryFolder { folder in
      let path = folder + "/net.onnx"
      XCTAssertThrowsError(try net.exportONNX(to: path, inputShape: [4])) { error in
        guard let error = error as? ONNXExportError else { return XCTFail("\(error)") }
        found = (error.layer, error.operation)
      }
      XCTAssertFalse(FileManager.default.fileExists(atPath: path))
    }
    return found
  }

  func testWhatDependsOnTheBatchIsNamed() throws {
    let cases: [(operation: String, function: (Tensor) -> Tensor)] = [
      ("batchNorm", { batchNorm($0).output }),
      ("+", { $0 + Tensor($0.scalars.map { $0 * 2 }, shape: $0.shape) }),
      ("*", { $0 * Float($0.shape[0]) }),
      ("+", { $0 + $0.sum().item }),
      ("indexSelect", { $0.indexSelect(Array((0..<$0.shape[0]).reversed())) }),
      ("reshaped", { matmul($0, $0.transposed()).reshaped([$0.shape[0], $0.shape[0], 1]) }),
      ("subscript", { $0[0..<$0.shape[0] - 1] }),
      ("subscript", { concatenated([$0, $0])[0..<$0.shape[0]] }),
      ("crossEntropy", { $0 + crossEntropy($0, [Int](repeating: 1, count: $0.shape[0])) }),
      ("*", { $0 * Tensor.uniform([4], using: &Self.stream) }),
    ]
    for (operation, function) in cases {
      let found = try fault(in: function)
      XCTAssertEqual(found.operation, operation)
      XCTAssertEqual(found.layer, "1.0", operation)
    }
  }

  nonisolated(unsafe) private static var stream = RandomStream(seed: 1)

  func testAnOperationThatRunsForSomeBatchesIsNamed() throws {
    let found = try fault { $0.shape[0] > 2 ? relu($0 * 2) : $0 * 2 }
    XCTAssertEqual(found.operation, "relu")
    XCTAssertEqual(found.layer, "1.0")
  }

  func testAnOutputOfConstantsIsNoModel() {
    let net = Lambda { Tensor($0.scalars, shape: $0.shape) }
    XCTAssertThrowsError(try net.onnxModel(inputShape: [4], hiddenLayer: nil, metadata: [:])) {
      XCTAssertTrue("\($0)".contains("does not come from its input"), "\($0)")
    }
  }

  func testALayerThatIsNotThereOrNotCalledIsNamed() throws {
    let net = Unused()
    XCTAssertThrowsError(try net.exportONNX(to: "/nowhere", inputShape: [2], hiddenLayer: "third"))
    {
      XCTAssertTrue($0 is HiddenLayerError, "\($0)")
    }
    XCTAssertThrowsError(try net.exportONNX(to: "/nowhere", inputShape: [2], hiddenLayer: "second"))
    {
      XCTAssertEqual(
        "\($0)",
        "the network cannot become ONNX: the hidden layer \"second\" is not called when the network "
          + "runs")
    }
  }

  func testANameThatTheModelNeedsIsRefused() {
    XCTAssertThrowsError(try Named().onnxModel(inputShape: [2], hiddenLayer: nil, metadata: [:])) {
      XCTAssertTrue("\($0)".contains("a tensor called \"output\""), "\($0)")
    }
  }

  func testAFileThatCannotBeWritten() {
    XCTAssertThrowsError(
      try Linear(2, 2).exportONNX(to: "/no-such-directory/net.onnx", inputShape: [2])
    ) { XCTAssertTrue($0 is FileError, "\($0)") }
  }
}

private final class Unused: Module {
  let first = Linear(2, 2)
  let second = Linear(2, 2)

  func forward(_ x: Tensor) -> Tensor { first(x) }
}

private final class Named: Module {
  let output = Parameter(.ones([2]))

  func forward(_ x: Tensor) -> Tensor { x * output.value }
}
