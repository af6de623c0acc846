import Datasets
import Foundation
import SelfSupervised
import Training

/// A safetensors file: the header up to the first zero, and the numbers.
struct SafetensorsTarget: Target {
  func seeds() throws -> [Data] {
    let state = StateDict(
      [
        StateDict.Entry("0.weight", .ones([2, 2])), StateDict.Entry("b", .zeros([0, 3])),
        StateDict.Entry("n", Tensor(3), elementType: .int64),
      ], metadata: ["epoch": "3\u{e9}"])
    return try [unframed(state)]
      + ["F64", "F16", "BF16", "I32", "U8", "F8_E4M3"].map { type in
        Data(#"{"a":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,8]}}"#.utf8) + Data(count: 9)
      }
  }

  func read(_ input: Data) {
    let file = framed(input)
    readState(file)
    guard let state = try? StateDict(contentsOf: scratchFile("state", file)),
      state.unreadable.isEmpty
    else { return }
    // What can be read can be written, and is the same when it is read again.
    do {
      try state.write(to: scratch + "/copy")
      let copy = try StateDict(contentsOf: scratch + "/copy")
      precondition(copy.metadata == state.metadata)
      precondition(copy.names.map { Array($0.utf8) } == state.names.map { Array($0.utf8) })
      for (a, b) in zip(copy.entries, state.entries) {
        precondition(a.value.shape == b.value.shape && bits(a.value) == bits(b.value))
      }
    } catch {
      fatalError("what was read cannot be written: \(error)")
    }
  }

  private func bits(_ tensor: Tensor) -> [UInt32] {
    tensor.withUnsafeBufferPointer { $0.map(\.bitPattern) }
  }
}

/// A checkpoint: the first byte chooses the learner, which is restored and takes a step.
struct CheckpointTarget: Target {
  func seeds() throws -> [Data] {
    try (0..<3).map { index in
      let (learner, optimizer) = makeTraining(index)
      try takeStep(learner, optimizer)
      let path = scratch + "/seed"
      try Checkpoint(learner, optimizer, step: 1, metadata: ["a": "b"]).write(to: path)
      return try Data([UInt8(index)]) + unframed(StateDict(contentsOf: path))
    }
  }

  func read(_ input: Data) {
    guard let first = input.first else { return }
    let path = scratchFile("checkpoint", framed(Data(input.dropFirst())))
    guard let checkpoint = try? Checkpoint(contentsOf: path) else { return }
    let (learner, optimizer) = makeTraining(Int(first) % 3)
    let trainer = Trainer(
      learner, optimizer: optimizer,
      loader: DataLoader(MockDataset(imageSize: 4, length: 2), batchSize: 2),
      stepCount: 1)
    try? trainer.restore(checkpoint)
    guard (try? checkpoint.restore(learner, optimizer)) != nil else { return }
    try? takeStep(learner, optimizer)
    try? Checkpoint(learner, optimizer, step: checkpoint.step + 1).write(to: path)
  }

  private func makeTraining(_ index: Int) -> (any Learner, any Optimizer) {
    let net = withRandomSeed(1) {
      Sequential {
        Flatten()
        Linear(48, 3)
        BatchNorm(3)
      }
    }
    let learner: any Learner =
      switch index {
      case 0:
        BYOL(
          net, imageSize: 4, hiddenLayer: -1, projectionSize: 2,
          projectionHiddenSize: 2, seed: 1)
      case 1:
        NNCLR(
          net, imageSize: 4, hiddenLayer: -1, projectionSize: 2,
          projectionHiddenSize: 2,
          predictorHiddenSize: 2, queueSize: 3, seed: 1)
      default:
        MoCo(
          net, imageSize: 4, hiddenLayer: -1, projectionSize: 2, queueSize: 4, seed: 1)
      }
    let optimizer: any Optimizer =
      index == 0
      ? SGD(learner.parameters, learningRate: 0.1, momentum: 0.9)
      : Adam(learner.parameters, learningRate: 0.1)
    return (learner, optimizer)
  }

  private func takeStep(_ learner: any Learner, _ optimizer: any Optimizer) throws {
    var stream = RandomStream(seed: 1)
    let (first, second) = (
      Tensor.uniform([2, 4, 4, 3], in: 0..<1, using: &stream),
      Tensor.uniform([2, 4, 4, 3], in: 0..<1, using: &stream)
    )
    optimizer.zeroGradients()
    learner.loss(first, second).backward()
    optimizer.step()
    learner.updateMovingAverage()
  }
}

/// The file of a header up to the first zero, and numbers.
private func framed(_ input: Data) -> Data {
  let header = input.prefix { $0 != 0 }
  let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
  return length + header + input.dropFirst(header.count + 1)
}

/// The header, a zero and the numbers of a state's file.
private func unframed(_ state: StateDict) throws -> Data {
  try state.write(to: scratch + "/unframed")
  let file = try Data(contentsOf: URL(fileURLWithPath: scratch + "/unframed"))
  let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  return Data(file.dropFirst(8).prefix(length) + [0] + file.dropFirst(8 + length))
}
