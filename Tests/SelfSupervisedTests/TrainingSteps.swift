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
