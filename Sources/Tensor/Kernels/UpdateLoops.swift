import Foundation

/// One SGD step in place; see torch's formula at `SGD`.
package func sgdStep(
  _ parameter: Parameter, gradient: Tensor, velocity: inout Tensor, learningRate: Float,
  momentum: Float, lookAhead: Float?, weightDecay: Float
) {
  defer { extendLifetime(gradient.storage) }
  let g = gradient.pointer
  parameter.update { w in
    velocity.mutate { v in
      Parallel.forRanges(gradient.elementCount, grain: parallelGrain) { range in
        for i in range {
          let slope = g[i] + weightDecay * w[i]
          v[i] = momentum * v[i] + slope
          w[i] -= learningRate * (lookAhead.map { slope + $0 * v[i] } ?? v[i])
        }
      }
    }
  }
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
  let rate = Float(Double(settings.learningRate) / correction1)
  let scale = Float(1 / correction2.squareRoot())
  let shrink = settings.isDecoupled ? 1 - settings.learningRate * settings.weightDecay : 1
  let coupled = settings.isDecoupled ? 0 : settings.weightDecay
  let epsilon = settings.epsilon
  parameter.update { w in
    first.mutate { m in
      second.mutate { v in
        Parallel.forRanges(gradient.elementCount, grain: parallelGrain) { range in
          for i in range {
            let weight = w[i] * shrink
            let slope = g[i] + coupled * weight
            m[i] += (1 - beta1) * (slope - m[i])
            v[i] = beta2 * v[i] + (1 - beta2) * slope * slope
            w[i] = weight - rate * m[i] / (v[i].squareRoot() * scale + epsilon)
          }
        }
      }
    }
  }
}

/// target += share · (source - target), in place.
package func moveToward(_ source: Tensor, _ target: inout Tensor, share: Float) {
  defer { extendLifetime(source.storage) }
  let s = source.pointer
  target.mutate { t in
    Parallel.forRanges(source.elementCount, grain: parallelGrain) { range in
      for i in range { t[i] += share * (s[i] - t[i]) }
    }
  }
}
