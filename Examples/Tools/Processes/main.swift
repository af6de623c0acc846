// Trains a small network for some steps, alone or with others that mpirun has started, and keeps
// the losses and the weights; or compares two such files. Tests/Scripts/distributed runs it.
//   Processes --method byol --out one.safetensors
//   mpirun -n 2 Processes --method byol --out two.safetensors
//   Processes compare one.safetensors two.safetensors 1e-2 1e-2
// Rounding alone takes two trainings apart within some steps, so that what a step of several
// processes gives is compared step by step: each begins with the state that one process had.
//   Processes --method byol --keep DIR
//   mpirun -n 2 Processes --method byol --follow DIR
import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

private let methods = MethodName.allCases.map(\.rawValue)
private let nets = ResNet.Depth.allCases.map(\.rawValue)
private let flags = [
  Flag("--method", "NAME", methods.joined(separator: ", "), standard: "byol"),
  Flag("--net", "NAME", nets.joined(separator: ", "), standard: "resnet10"),
  Flag("--width", "N", "channels of the first level", standard: "8"),
  Flag("--stem", "NAME", "small or imagenet", standard: "small"),
  Flag("--size", "PIXELS", "height and width of images and views", standard: "32"),
  Flag("--norm", "NAME", "batch or group", standard: "batch"),
  Flag("--optimizer", "NAME", "sgd, adam or adamw", standard: "sgd"),
  Flag("--learning-rate", "RATE", "of all steps", standard: "0.01"),
  Flag("--images", "N", "in the data set", standard: "128"),
  Flag("--batch", "N", "images of all processes in a step", standard: "32"),
  Flag("--accumulate", "N", "batches whose gradients make one step", standard: "1"),
  Flag("--steps", "N", "steps of the training", standard: "50"),
  Flag("--until", "N", "end after this step already"),
  Flag("--resume", "FILE", "go on from a checkpoint"),
  Flag("--checkpoint", "FILE", "write a checkpoint at the end"),
  Flag("--messages", "NAME", "float32 or bfloat16", standard: "float32"),
  Flag("--no-overlap", "send gradients behind the reverse pass"),
  Flag(
    "--gradients", "PREFIX",
    "write the state, two views and the gradients of their loss, for Tests/Scripts/ddp_gradients.py"
  ),
  Flag("--keep", "DIR", "write a checkpoint before every step, and the loss behind it"),
  Flag(
    "--follow", "DIR", "begin every step with what --keep has written, and compare what it gives"),
  Flag("--out", "FILE", "where losses and weights are written"),
]

/// A training that every process makes alike, and that begins alike.
private func makeTrainer(_ arguments: Arguments) throws -> Trainer {
  let side = try arguments.integer("--size", in: 8...1_024)
  let depth: ResNet.Depth = try arguments.choice("--net")
  let stem = try arguments.choice("--stem", of: ["small", "imagenet"])
  let norm: ResNet.Norm =
    try arguments.choice("--norm", of: ["batch", "group"]) == "batch" ? .batch : .group(4)
  let width = try arguments.integer("--width", in: 1...1_024)
  let net = withRandomSeed(0) {
    depth(stem: stem == "small" ? .small : .imageNet, width: width, norm: norm)
  }
  let steps = try arguments.integer("--steps", in: 1...1_000_000)
  let kind: OptimizerKind = try arguments.choice("--optimizer")
  var choice = kind.usual
  choice.learningRate = try arguments.optionalPositive("--learning-rate") ?? 0.01
  var recipe = Recipe(try arguments.choice("--method"), for: .shapes)
  recipe.optimizer = choice
  let training = recipe.training(
    net, imageSize: side, hiddenLayer: "avgpool", steps: steps, seed: 1)
  let images = Shapes(
    count: try arguments.integer("--images", in: 2...1_000_000), size: side, seed: 2)
  let loader = DataLoader(
    images, batchSize: try arguments.integer("--batch", in: 2...65_536), shuffled: true, seed: 3)
  let trainer = Trainer(
    training.learner, optimizer: training.optimizer, loader: loader, stepCount: steps)
  trainer.accumulatedBatches = try arguments.integer("--accumulate", in: 1...1_000)
  trainer.messagePrecision = try arguments.choice("--messages")
  trainer.sendsDuringBackward = !arguments.has("--no-overlap")
  trainer.comparisonInterval = 1
  return trainer
}

private func train(_ words: [String]) throws {
  let arguments = try Arguments(words, flags: flags)
  if arguments.has("--help") { return say(flags.help) }
  let group = try ProcessGroup.join()
  let trainer = try makeTrainer(arguments)
  if let path = try arguments.path("--resume") {
    try trainer.restore(try Checkpoint(contentsOf: path))
  }
  if let directory = try arguments.path("--follow") {
    try follow(directory, trainer)
    return group.leave()
  }
  if let prefix = try arguments.path("--gradients") {
    try writeGradients(prefix, trainer)
    return group.leave()
  }
  let kept = try arguments.path("--keep")
  let last = try arguments.optionalInteger("--until", in: 1...1_000_000) ?? trainer.stepCount
  var losses: [Float] = []
  var start = ContinuousClock.now
  var timed = 0
  while trainer.progress.steps < last {
    if let kept { try keep(trainer, losses.last, in: kept) }
    guard let report = try trainer.next() else { break }
    losses.append(report.loss)
    // The first steps wait for memory.
    if losses.count == 3 { start = .now } else if losses.count > 3 { timed += 1 }
  }
  let seconds = (ContinuousClock.now - start) / .seconds(1)
  if let kept { try keep(trainer, losses.last, in: kept) }
  if group.isFirst {
    let rate = timed > 0 ? String(format: "%.2f ms a step", 1e3 * seconds / Double(timed)) : ""
    say(
      "\(group.size) processes, step \(trainer.progress.steps), loss \(losses.last ?? .nan)  \(rate)"
    )
    if let path = try arguments.path("--checkpoint") { try trainer.checkpoint().write(to: path) }
    if let path = try arguments.path("--out") {
      let weights = trainer.learner.parameters.enumerated().map { index, parameter in
        StateDict.Entry("weight.\(index)", parameter.value.detached)
      }
      try StateDict([.init("losses", Tensor(losses))] + weights).write(to: path)
    }
  }
  group.leave()
}

/// The loss of two given views and its gradients, with what they were computed from, in torch's
/// layout.
private func writeGradients(_ prefix: String, _ trainer: Trainer) throws {
  func write<L: Learner>(_ learner: L) throws {
    let side = trainer.loader.dataset.imageShape[0]
    var stream = RandomStream(seed: 5)
    let (first, second) = (
      Tensor.uniform([trainer.loader.batchSize, side, side, 3], using: &stream),
      Tensor.uniform([trainer.loader.batchSize, side, side, 3], using: &stream)
    )
    let group = trainer.group
    let own = group.slice(of: trainer.loader.batchSize)
    let state = learner.state
    let loss = withProcessGroup(group) {
      let loss = learner.stepLoss(of: L.Views(ViewPair(first: first[own], second: second[own])))
      loss.backward()
      return loss
    }
    GradientSum(learner.parameters, over: group).finish()
    let sum = Float(group.sum(Double(loss.item)))
    for parameter in learner.parameters {
      parameter.value = parameter.gradient ?? .zeros(parameter.shape)
    }
    guard group.isFirst else { return }
    say("loss \(sum)")
    let given = [
      StateDict.Entry("views.first", first), .init("views.second", second),
      .init("loss", Tensor(sum)),
    ]
    try StateDict(state.entries + given).write(to: prefix + "-state.safetensors")
    try StateDict(learner.state.entries).write(to: prefix + "-gradients.safetensors")
  }
  try write(trainer.learner)
}

/// Writes the state before a step, and the loss of the step before.
private func keep(_ trainer: Trainer, _ loss: Float?, in directory: String) throws {
  trainer.metadata["loss"] = loss.map { "\($0)" }
  try trainer.checkpoint().write(to: "\(directory)/\(trainer.progress.steps).safetensors")
}

/// Takes each step from the state that one process had before it, and compares losses, and weights
/// by how far the step has moved them.
private func follow(_ directory: String, _ trainer: Trainer) throws {
  func checkpoint(_ step: Int) throws -> Checkpoint {
    try Checkpoint(contentsOf: "\(directory)/\(step).safetensors")
  }
  func weights() -> [Float] { trainer.learner.parameters.flatMap { $0.value.scalars } }
  func squares(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
  }
  var worst = (loss: 0.0, move: 0.0, norm: 0.0)
  for step in 0..<trainer.stepCount {
    try trainer.restore(try checkpoint(step))
    let before = weights()
    guard let report = try trainer.next() else { break }
    let after = weights()
    let next = try checkpoint(step + 1)
    try trainer.restore(next)
    let right = weights()
    let loss = next.metadata["loss"].flatMap { Float($0) } ?? .nan
    let distance = squares(after, right)
    worst.loss = max(worst.loss, Double(abs(report.loss - loss) / abs(loss)))
    worst.move = max(worst.move, (distance / squares(right, before)).squareRoot())
    worst.norm = max(
      worst.norm, (distance / squares(right, Array(repeating: 0, count: right.count))).squareRoot())
  }
  let isClose = worst.loss <= 1e-6 && worst.norm <= 1e-5
  guard trainer.group.isFirst else { return }
  say(
    String(
      format:
        "%d processes, %d steps: losses %.1e, weights %.1e of their norm and %.1e of their move  ",
      trainer.group.size, trainer.stepCount, worst.loss, worst.norm, worst.move)
      + (isClose ? "equal" : "DIFFERENT"))
  if !isClose { trainer.group.abort(1) }
}

/// Compares losses by their size, and weights by their norm.
private func compare(_ words: [String]) throws {
  let limits = words.dropFirst(2).compactMap { Double($0) }
  guard words.count == 4, limits.count == 2 else {
    throw UsageError("compare needs two files, and limits for losses and weights")
  }
  let (one, other) = (try StateDict(contentsOf: words[0]), try StateDict(contentsOf: words[1]))
  let names = one.names.filter { $0 != "losses" }
  var (distance, norm) = (0.0, 0.0)
  for name in names {
    let pairs = zip(try one.tensor(named: name).scalars, try other.tensor(named: name).scalars)
    for (a, b) in pairs {
      distance += Double(a - b) * Double(a - b)
      norm += Double(a) * Double(a)
    }
  }
  // A run that has gone on has the last losses alone.
  let (first, second) = (
    try one.tensor(named: "losses").scalars, try other.tensor(named: "losses").scalars
  )
  let errors = zip(first.reversed(), second.reversed()).map { a, b in
    Double(abs(a - b)) / Double(abs(a))
  }
  let (loss, weights) = (errors.max() ?? .nan, (distance / norm).squareRoot())
  let isClose = loss <= limits[0] && weights <= limits[1]
  say(
    String(format: "losses %.1e  weights %.1e  ", loss, weights) + (isClose ? "equal" : "DIFFERENT")
  )
  if !isClose { exit(1) }
}

runProgram("Processes") {
  let words = Array(CommandLine.arguments.dropFirst())
  try words.first == "compare" ? compare(Array(words.dropFirst())) : train(words)
}
