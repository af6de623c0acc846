// The same training in one process or in several, which share every batch.
//   swift run -c release TutorialSeveralProcesses [STEPS]
//   mpirun --bind-to none -n 2 .build/release/TutorialSeveralProcesses
import Arguments
import Datasets
import SelfSupervised
import Training

let steps = stepCount(standard: 40)
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 8) }
let learner = SimCLR(net, imageSize: 24, hiddenLayer: "avgpool", seed: 0)
let optimizer = Adam(learner.parameters, learningRate: 1e-3)
let loader = DataLoader(
  Shapes(count: 2_000, size: 32, seed: 0), batchSize: 64, shuffled: true, dropsLast: true, seed: 0)

let group = try ProcessGroup.join()
let trainer = Trainer(learner, optimizer: optimizer, loader: loader, stepCount: steps)
try trainer.run { if group.isFirst { print($0.step, $0.loss) } }
group.leave()
