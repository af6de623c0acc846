internal import CTensorKernels
import Foundation

/// One SGD step in place; see torch's formula at `SGD`.
///
/// `nesterov` is the momentum of Nesterov's step, nil for the plain one. `gradientScale` multiplies
/// the gradient and the decay: LARS's rate of a layer.
package func sgdStep(
  _ parameter: Parameter, gradient: Tensor, velocity: inout Tensor, learningRate: Float,
  momentum: Float, nesterov: Float?, weightDecay: Float, gradientScale: Float = 1
) {
  defer { extendLifetime(gradient.storage) }
  let g = gradient.pointer
  parameter.update { w in
    velocity.mutate { v in
      Parallel.forRanges(gradient.elementCount, grain: Tuning.parallelGrain) { range in
        for i in range {
          let gradient = gradientScale * (g[i] + weightDecay * w[i])
          v[i] = momentum * v[i] + gradient
          w[i] -= learningRate * (nesterov.map { gradient + $0 * v[i] } ?? v[i])
        }
      }
    }
  }
}

/// The norms that LARS compares, in one pass: ‖w‖ and ‖g + decay · w‖.
package func updateNorms(
  _ parameter: Parameter, gradient: Tensor, weightDecay: Float
) -> (weight: Double, gradient: Double) {
  let weight = parameter.current
  defer { extendLifetime((weight.storage, gradient.storage)) }
  let (w, g, count) = (weight.pointer, gradient.pointer, gradient.elementCount)
  // Blocks of one size, so that the sums do not depend on how many threads there are.
  let blockSize = 8_192
  let blocks = (count + blockSize - 1) / blockSize
  var sums = [SIMD2<Double>](repeating: .zero, count: blocks)
  sums.withUnsafeMutableBufferPointer { sums in
    guard let sums = sums.baseAddress else { return }
    Parallel.forRanges(blocks, grain: max(1, Tuning.parallelGrain / blockSize)) { range in
      for block in range {
        let start = block * blockSize
        sums[block] = squaredNorms(
          w + start, g + start, count: min(blockSize, count - start), weightDecay: weightDecay)
      }
    }
  }
  let total = sums.reduce(.zero, +)
  return (total[0].squareRoot(), total[1].squareRoot())
}

/// Σ w² and Σ (g + decay · w)², eight running sums of each side by side.
private func squaredNorms(
  _ w: UnsafePointer<Float>, _ g: UnsafePointer<Float>, count: Int, weightDecay: Float
) -> SIMD2<Double> {
  var (weights, gradients) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
  func add(_ index: Int, _ lane: Int) {
    let (weight, gradient) = (Double(w[index]), Double(g[index] + weightDecay * w[index]))
    weights[lane] += weight * weight
    gradients[lane] += gradient * gradient
  }
  for start in stride(from: 0, to: count & ~7, by: 8) {
    for lane in 0..<8 { add(start + lane, lane) }
  }
  for index in (count & ~7)..<count { add(index, 0) }
  return [weights.sum(), gradients.sum()]
}

/// The numbers of one Adam step.
package struct AdamSettings {
  let learningRate: Float
  let betas: (Float, Float)
  let epsilon: Float
  let weightDecay: Float
  let isDecoupled: Bool
  let step: Int

  package init(
    learningRate: Float, betas: (Float, Float), epsilon: Float, weightDecay: Float,
    isDecoupled: Bool, step: Int
  ) {
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.step = step
  }
}

/// One Adam step in place, in one pass over the five arrays.
package func adamStep(
  _ parameter: Parameter, gradient: Tensor, first: inout Tensor, second: inout Tensor,
  settings: AdamSettings
) {
  defer { extendLifetime(gradient.storage) }
  let (g, (beta1, beta2)) = (gradient.pointer, settings.betas)
  // Corrections in Double: 1 - 0.999 keeps few digits in Float.
  let correction1 = 1 - pow(Double(beta1), Double(settings.step))
  let correction2 = 1 - pow(Double(beta2), Double(settings.step))
  let numbers = CTKAdamStep(
    share1: 1 - beta1, keep2: beta2, share2: 1 - beta2,
    coupled: settings.isDecoupled ? 0 : settings.weightDecay,
    shrink: settings.isDecoupled ? 1 - settings.learningRate * settings.weightDecay : 1,
    rate: Float(Double(settings.learningRate) / correction1),
    scale: Float(1 / correction2.squareRoot()), epsilon: settings.epsilon)
  parameter.update { w in
    first.mutate { m in
      second.mutate { v in
        Parallel.forRanges(gradient.elementCount, grain: Tuning.parallelGrain) { range in
          let start = range.lowerBound
          ctk_adam_step(w + start, g + start, m + start, v + start, range.count, numbers)
        }
      }
    }
  }
}

/// target += weight · (source - target), in place.
package func lerp(_ target: inout Tensor, toward source: Tensor, weight: Float) {
  defer { extendLifetime(source.storage) }
  let s = source.pointer
  target.mutate { t in
    Parallel.forRanges(source.elementCount, grain: Tuning.parallelGrain) { range in
      for i in range { t[i] += weight * (s[i] - t[i]) }
    }
  }
}
