import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor
import TestSupport
import XCTest

@testable import Training

/// Small trainings of a network with random views, dropout and running statistics.
class TrainingTestCase: XCTestCase {
  let data = Shapes(count: 48, size: 16, seed: 3).inMemory()

  func trainer(
    steps: Int, batchSize: Int = 8, seed: UInt64 = 1, ahead: Int = 2, dropout: Bool = true
  ) -> Trainer {
    let net = withRandomSeed(4) {
      Sequential {
        Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
        BatchNorm(6)
        ReLU()
        Dropout(dropout ? 0.1 : 0)
        GlobalAveragePool()
        Linear(6, 4)
      }
    }
    let learner = MoCo(
      net, imageSize: 16, hiddenLayer: -2, projectionSize: 8, queueSize: 20, seed: seed)
    let trainer = Trainer(
      learner, optimizer: SGD(learner.parameters, learningRate: 0.1, momentum: 0.9),
      loader: DataLoader(data, batchSize: batchSize, shuffled: true, dropsLast: true, seed: seed),
      stepCount: steps)
    trainer.batchesAhead = ahead
    return trainer
  }

  func bits(_ trainer: Trainer) -> [String: [UInt32]] {
    let state = trainer.learner.state
    return Dictionary(
      uniqueKeysWithValues: state.entries.map { ($0.name, $0.value.scalars.map(\.bitPattern)) })
  }

  func losses(_ trainer: Trainer) throws -> [Float] {
    var losses: [Float] = []
    try trainer.run { losses.append($0.loss) }
    return losses
  }

  /// Makes a weight NaN after a number of steps.
  func breakWeights(of trainer: Trainer, at step: Int) -> any TrainingCallback {
    Evaluation(every: .steps(step)) { learner in
      learner.parameters[0].value = .full(.nan, learner.parameters[0].shape)
      learner.resetMovingAverage()
      return [:]
    }
  }
}
