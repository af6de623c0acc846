import Nets
import Tensor

/// Trains a layer on features that stay as they are, by steps that fall to zero along a cosine.
struct ProbeTraining {
  /// How often each row is seen.
  let epochs: Int
  /// How many rows a step takes.
  let batchSize: Int
  /// Where the order of the rows comes from.
  let stream: RandomStream

  /// Trains what `optimizer` moves.
  ///
  /// - Parameters:
  ///   - count: How many rows there are.
  ///   - optimizer: What moves the layer; its learning rate is that of the first step.
  ///   - loss: The mean loss of the rows at some indices.
  /// - Returns: The mean loss of each epoch.
  func losses(count: Int, _ optimizer: any Optimizer, loss: ([Int]) -> Tensor) -> [Float] {
    var stream = stream
    let steps = (count + batchSize - 1) / batchSize
    let schedule = CosineDecay(from: optimizer.learningRate, over: epochs * steps)
    return (0..<epochs).map { epoch in
      let order = stream.permutation(count)
      var total: Float = 0
      for step in 0..<steps {
        let chosen = Array(order[(step * batchSize)..<min((step + 1) * batchSize, count)])
        optimizer.learningRate = schedule.value(at: epoch * steps + step)
        optimizer.zeroGradients()
        let loss = loss(chosen)
        loss.backward()
        optimizer.step()
        total += loss.item * Float(chosen.count)
      }
      return total / Float(count)
    }
  }
}

/// Brings features to mean 0 and deviation 1 by channel, as they were in training.
package struct FeatureScaling {
  private let mean: Tensor
  private let deviation: Tensor

  /// The scaling of features whose last axis is the channel.
  package init(_ features: Tensor) {
    let axes = Array(0..<features.rank - 1)
    mean = features.mean(axes: axes)
    deviation = sqrt(features.variance(axes: axes, correction: 0) + 1e-6)
  }

  /// How many channels there are.
  var channels: Int { mean.shape[0] }

  /// Features of mean 0 and deviation 1, where they are like those that this was made of.
  package func callAsFunction(_ features: Tensor) -> Tensor { (features - mean) / deviation }
}

extension Linear {
  /// A layer that gives every class the same score.
  static func indifferent(_ inputs: Int, _ outputs: Int) -> Linear {
    let layer = Linear(inputs, outputs)
    for parameter in layer.parameters { parameter.value = .zeros(parameter.shape) }
    return layer
  }
}
