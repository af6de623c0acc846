import Nets
import Tensor

@testable import SelfSupervised

extension Learner {
  /// The losses of some steps of SGD on the same images.
  func losses(ofSteps count: Int, on images: Tensor, learningRate: Float = 0.05) -> [Float] {
    let optimizer = SGD(parameters, learningRate: learningRate)
    return (0..<count).map { _ in
      optimizer.zeroGradients()
      let loss = self(images)
      loss.backward()
      optimizer.step()
      updateMovingAverage()
      return loss.item
    }
  }
}

extension MethodLearner {
  /// The loss of given views, without what belongs to it.
  func loss(_ views: M.Views) -> Tensor { stepLoss(of: views).value }

  /// Differentiates a loss and ends its step, in which an optimizer leaves all weights where they are.
  @discardableResult
  func endStep(_ loss: StepLoss) -> StepLoss {
    loss.backward()
    // Losses of given projections reach no weight of the network.
    parameters[0].gradient = parameters[0].gradient ?? .zeros(parameters[0].shape)
    SGD(parameters, learningRate: 0).step()
    updateMovingAverage()
    return loss
  }
}

extension MethodLearner where M: ProjectionMethod {
  /// The loss of given projections, which stand for their features too.
  func stepLoss(projections: ViewPair, labels: [Int]? = nil) -> StepLoss {
    begin(projections.count, labels)
    return staging(
      method.loss(ofProjections: projections, features: projections, in: pass(labels: labels)))
  }

  /// The loss of given projections, without what belongs to it.
  func loss(projections: ViewPair) -> Tensor { stepLoss(projections: projections).value }
}
