import Foundation
import Tensor

extension OperationTable {
  static let arithmetic: [OperationCheck] = [
    onPair("+(Tensor, Tensor)", { $0 + $1 }, +),
    onPair("-(Tensor, Tensor)", { $0 - $1 }, -),
    onPair("*(Tensor, Tensor)", { $0 * $1 }, *),
    onPair("/(Tensor, Tensor)", drawn: .positive, { $0 / $1 }, /),
    onPair("maximum(Tensor, Tensor)", drawn: .distinct, { maximum($0, $1) }, { max($0, $1) }),
    onPair("minimum(Tensor, Tensor)", drawn: .distinct, { minimum($0, $1) }, { min($0, $1) }),
    onOne("+(Tensor, Float)", { $0 + 1.5 }, { $0 + 1.5 }),
    onOne("+(Float, Tensor)", { 1.5 + $0 }, { 1.5 + $0 }),
    onOne("-(Tensor, Float)", { $0 - 1.5 }, { $0 - 1.5 }),
    onOne("-(Float, Tensor)", { 1.5 - $0 }, { 1.5 - $0 }),
    onOne("*(Tensor, Float)", { $0 * -2.5 }, { $0 * -2.5 }),
    onOne("*(Float, Tensor)", { -2.5 * $0 }, { -2.5 * $0 }),
    onOne("/(Tensor, Float)", { $0 / 0.75 }, { $0 / 0.75 }),
    onOne("/(Float, Tensor)", drawn: .positive, { 3 / $0 }, { 3 / $0 }),
    onOne("-(Tensor)", { -$0 }, { -$0 }),
  ]

  static let elementwise: [OperationCheck] = [
    onOne("exp(Tensor)", { exp($0) }, { Foundation.exp($0) }),
    onOne("log(Tensor)", drawn: .positive, { log($0) }, { Foundation.log($0) }),
    onOne("log1p(Tensor)", drawn: .positive, { log1p($0) }, { Foundation.log1p($0) }),
    onOne("sqrt(Tensor)", drawn: .positive, { sqrt($0) }, { $0.squareRoot() }),
    onOne("rsqrt(Tensor)", drawn: .positive, { rsqrt($0) }, { 1 / $0.squareRoot() }),
    onOne("square(Tensor)", { square($0) }, { $0 * $0 }),
    onOne("pow(Tensor, Float)", drawn: .positive, { pow($0, 2.5) }, { Foundation.pow($0, 2.5) }),
    onOne("abs(Tensor)", drawn: .distinct, { abs($0) }, { $0.magnitude }),
    onOne(
      "clamp(Tensor, to:)", drawn: .distinct, { clamp($0, to: -0.05...0.1) },
      { min(max($0, Double(Float(-0.05))), Double(Float(0.1))) }),
    onOne("sin(Tensor)", { sin($0) }, { Foundation.sin($0) }),
    onOne("cos(Tensor)", { cos($0) }, { Foundation.cos($0) }),
  ]

  static let activations: [OperationCheck] = [
    onOne("relu(Tensor)", drawn: .distinct, { relu($0) }, { max(0, $0) }),
    onOne(
      "leakyReLU(Tensor, slope:)", drawn: .distinct, { leakyReLU($0, slope: 0.25) },
      { $0 > 0 ? $0 : 0.25 * $0 }),
    onOne(
      "elu(Tensor, alpha:)", drawn: .distinct, { elu(clamp($0, to: -9...9), alpha: 1.5) },
      { min(9, max(-9, $0)) > 0 ? min(9, $0) : 1.5 * (Foundation.exp(max(-9, $0)) - 1) }),
    onOne("gelu(Tensor)", { gelu($0) }, { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) }),
    onOne("sigmoid(Tensor)", { sigmoid($0) }, { 1 / (1 + Foundation.exp(-$0)) }),
    onOne("silu(Tensor)", { silu($0) }, { $0 / (1 + Foundation.exp(-$0)) }),
    onOne("tanh(Tensor)", { tanh($0) }, { Foundation.tanh($0) }),
    onOne("softplus(Tensor)", { softplus($0) }, { Foundation.log(1 + Foundation.exp($0)) }),
    OperationCheck("dropout(Tensor, probability:, using:)", on: InputShapes.one) {
      var stream = RandomStream(seed: 3)
      return dropout($0[0], probability: 0.25, using: &stream)
    } twin: {
      var stream = RandomStream(seed: 3)
      return $0[0].map { stream.bernoulli(0.25) ? 0 : $0 / 0.75 }
    },
  ]

  private static func onOne(
    _ name: String, drawn draw: Draw = .normal, _ function: @escaping @Sendable (Tensor) -> Tensor,
    _ twin: @escaping @Sendable (Double) -> Double
  ) -> OperationCheck {
    OperationCheck(name, on: InputShapes.one, large: InputShapes.oneLarge, drawn: draw) {
      function($0[0])
    } twin: {
      $0[0].map(twin)
    }
  }

  private static func onPair(
    _ name: String, drawn draw: Draw = .normal,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    _ twin: @escaping @Sendable (Double, Double) -> Double
  ) -> OperationCheck {
    OperationCheck(name, on: InputShapes.pairs, large: InputShapes.pairsLarge, drawn: draw) {
      function($0[0], $0[1])
    } twin: {
      Twin.zip($0[0], $0[1], twin)
    }
  }
}
