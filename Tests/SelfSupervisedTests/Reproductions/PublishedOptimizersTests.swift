import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PublishedOptimizersTests: XCTestCase {
  private let learner = BYOL.small(PlainCNN(), useMomentum: false)

  func testPredictorKeepsItsRateUnderASchedule() {
    let groups = learner.parameterGroups(weightDecay: 0.1, predictorLearningRate: 0.5)
    XCTAssertEqual(groups.map(\.fixedLearningRate), [nil, nil, 0.5, 0.5])
    XCTAssertEqual(groups.map(\.weightDecay), [0.1, 0, 0.1, 0])
    XCTAssertEqual(groups.map(\.usesLayerAdaptation), [true, false, true, false])
    XCTAssertEqual(groups[2].parameters.count + groups[3].parameters.count, 5)
    let all = groups.flatMap(\.parameters).map(ObjectIdentifier.init)
    XCTAssertEqual(Set(all), Set(learner.parameters.map(ObjectIdentifier.init)))
    XCTAssertEqual(all.count, learner.parameters.count)

    let optimizer = SGD(groups, learningRate: 0.5)
    optimizer.learningRate = 0
    let (before, predictor) = (bits(of: learner.projector), bits(of: learner.parts.predictor))
    let view = { Formula.images("rates", view: $0, 6, size: 16) }
    learner.loss(view(1), view(2)).backward()
    optimizer.step()
    XCTAssertEqual(
      bits(of: learner.projector).prefix(learner.projector.parameters.count),
      before.prefix(learner.projector.parameters.count))
    XCTAssertNotEqual(bits(of: learner.parts.predictor), predictor)
  }

  func testRatesOfThePapers() {
    let simCLR = SimCLR.small(PlainCNN())
    let nnclr = NNCLR.small(PlainCNN())
    let optimizers: [(any Optimizer, Float, Float)] = [
      (LARS.byol(learner, batchSize: 4_096, epochs: 1_000), 3.2, 1.5e-6),
      (LARS.byol(learner, batchSize: 256), 0.3, 1e-6),
      (LARS.byol(learner, batchSize: 256, epochs: 40), 0.45, 1e-6),
      (LARS.simCLR(simCLR, batchSize: 4_096), 4.8, 1e-6),
      (LARS.simCLR(simCLR, batchSize: 4_096, rule: .squareRoot), 4.8, 1e-6),
      (LARS.simCLR(simCLR, batchSize: 512, base: 1, weightDecay: 1e-4), 2, 1e-4),
      (LARS.nnclr(nnclr, batchSize: 4_096), 4.8, 1e-6),
      (LARS.barlowTwins(learner, batchSize: 2_048), 1.6, 1.5e-6),
      (LARS.vicReg(learner, batchSize: 2_048), 1.6, 1e-6),
      (SGD.simSiam(learner, batchSize: 512), 0.025, 4e-4),
      (SGD.moCo(learner, batchSize: 256), 0.03, 1e-4),
    ]
    for (optimizer, rate, decay) in optimizers {
      XCTAssertEqual(optimizer.learningRate, rate, accuracy: 1e-6)
      XCTAssertEqual(optimizer.groups[0].weightDecay, decay)
      XCTAssertEqual(optimizer.groups[1].weightDecay, 0)
      XCTAssertFalse(optimizer.groups[1].usesLayerAdaptation)
    }
    XCTAssertEqual(Adam.byol(learner).learningRate, 3e-4)
    XCTAssertEqual(Adam.byol(learner).groups.map(\.weightDecay), [0])
    XCTAssertEqual(LARS.simCLR(simCLR, batchSize: 256).groups.map(\.learningRateScale), [1, 2])
    let scale = LARS.barlowTwins(learner, batchSize: 256).groups[1].learningRateScale
    XCTAssertEqual(0.2 * scale, 0.0048, accuracy: 1e-7)
  }
}
