import Tensor

// Losses and measures are about small differences: their products are exact, whatever those of the network
// may round.

/// a · b of factors that are never rounded.
func exactMatmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  withMatmulPrecision(.float32) { matmul(a, b) }
}

/// x · weightᵀ of factors that are never rounded.
func exactLinear(_ x: Tensor, _ weight: Tensor) -> Tensor {
  withMatmulPrecision(.float32) { linear(x, weight) }
}
