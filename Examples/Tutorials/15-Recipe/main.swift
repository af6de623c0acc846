// A recipe: how views are drawn, what stands behind the network and how fast it learns, for as many
// steps as a time has room for.
//   swift run -c release TutorialRecipe [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

let photos = Shapes(count: 2_000, size: 64, seed: 0)
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 8) }

let recipe = Recipe(.simclr, for: .photographs)
let viewSize = recipe.viewSize(of: 64)
let loader = DataLoader(photos, batchSize: recipe.batchSize, shuffled: true, dropsLast: true)
let rate = try recipe.imagesPerSecond(
  net, imageSize: viewSize, hiddenLayer: "avgpool", loader: loader, for: .seconds(5))
print("ten minutes are \(Int(600 * rate) / recipe.batchSize) steps")

let steps = stepCount(standard: 40)
let training = recipe.training(
  net, imageSize: viewSize, hiddenLayer: "avgpool", steps: steps, seed: 0)
let trainer = Trainer(
  training.learner, optimizer: training.optimizer, loader: loader, stepCount: steps)
trainer.learningRate = training.learningRate
trainer.callbacks = [ConsoleLog(everySteps: 10)]
try trainer.run()
