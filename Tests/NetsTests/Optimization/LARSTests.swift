import Tensor
import XCTest

@testable import Nets

final class LARSTests: XCTestCase {
  private func slope(_ w: Tensor) -> Tensor {
    Tensor([0.25, 0.5, 0.75, 1]) * (w - Tensor([0.5, 0.25, -0.75, 1]))
  }

  /// Twenty steps on a parabola; the rate of step n is `rate(n)`.
  private func result(
    _ variant: LARS.Variant, weightDecay: Float = 0, momentum: Float = 0.9,
    usesLayerAdaptation: Bool = true,
    rate: (Int) -> Float = { _ in 0.5 }
  ) -> [Float] {
    let w = Parameter(Tensor([1, -2, 3, -4]))
    let optimizer = LARS(
      [ParameterGroup([w], weightDecay: weightDecay, usesLayerAdaptation: usesLayerAdaptation)],
      learningRate: 0.5,
      momentum: momentum, trustCoefficient: 0.1, variant: variant)
    for step in 0..<20 {
      optimizer.learningRate = rate(step)
      w.gradient = slope(w.value.detached)
      optimizer.step()
    }
    return w.value.scalars
  }

  private func check(
    _ found: [Float], _ expected: [Float], file: StaticString = #filePath, line: UInt = #line
  ) {
    for (found, expected) in zip(found, expected) {
      XCTAssertEqual(found, expected, accuracy: 2e-6, file: file, line: line)
    }
  }

  /// lightly 1.6.0, which adapts only what decays:
  ///
  ///     w = torch.nn.Parameter(torch.tensor([1., -2., 3., -4.]))
  ///     o = lightly.utils.lars.LARS([w], lr=.5, trust_coefficient=.1, momentum=.9, weight_decay=.1)
  ///     for _ in range(20):
  ///         w.grad = torch.tensor([.25, .5, .75, 1.]) * (w.detach() - torch.tensor([.5, .25, -.75, 1.]))
  ///         o.step()
  func testMatchesLightly() {
    check(result(.lightly, weightDecay: 0.1), [0.1884661, 0.7635736, -0.8368692, 0.2876510])
    // weight_decay=.01, momentum=0
    check(
      result(.lightly, weightDecay: 0.01, momentum: 0),
      [0.8934383, -1.1820239, 1.1565723, -1.0235616])
    // weight_decay=1e-12: of what hardly decays all three adapt the same.
    check(result(.lightly, weightDecay: 1e-12), [0.4026689, 0.8436971, -0.8748437, 0.2759150])
    for variant in [LARS.Variant.google, .deepMind] {
      check(result(variant), [0.4026689, 0.8436971, -0.8748437, 0.2759150])
    }
    // weight_decay=0
    let still: [Float] = [0.5977308, 0.6377057, 0.4803366, 2.5203972]
    check(result(.google, usesLayerAdaptation: false), still)
    check(result(.lightly), still)
  }

  /// lightly 1.6.0: what does not decay is not adapted, and what has no gradient does not decay.
  func testLightlyLeavesOutZeros() {
    func moved(_ gradient: [Float], _ weight: [Float] = [3, 4], decay: Float) -> [Float] {
      let p = Parameter(Tensor(weight))
      p.gradient = Tensor(gradient)
      LARS(
        [ParameterGroup([p], weightDecay: decay)], learningRate: 0.1, momentum: 0.9,
        variant: .lightly
      ).step()
      return p.value.scalars
    }
    check(moved([1, 0], decay: 0), [2.9, 4])
    check(moved([0, 0], decay: 0.1), [3, 4])
    check(moved([1, 2], [0, 0], decay: 0.1), [-0.1, -0.2])
  }

  /// Plain parameters: those with one axis neither decay nor get rates of their own.
  func testPlainParametersAreGroupedByTheirAxes() {
    let parameters = [Parameter(.ones([3])), Parameter(.ones([2, 3])), Parameter(.ones([]))]
    let optimizer = LARS(parameters, learningRate: 0.1, weightDecay: 0.25, variant: .deepMind)
    XCTAssertTrue(optimizer.groups[0].parameters.elementsEqual([parameters[1]], by: ===))
    XCTAssertTrue(
      optimizer.groups[1].parameters.elementsEqual([parameters[0], parameters[2]], by: ===))
    XCTAssertEqual(optimizer.groups.map(\.weightDecay), [0.25, 0])
    XCTAssertEqual(optimizer.groups.map(\.usesLayerAdaptation), [true, false])
  }

  /// The published formulas in double precision, one number after the other, under a falling rate.
  private func derivation(_ variant: LARS.Variant, _ weightDecay: Double) -> [Double] {
    var w: [Double] = [1, -2, 3, -4]
    var v: [Double] = [0, 0, 0, 0]
    let (curvature, centre) = ([0.25, 0.5, 0.75, 1], [0.5, 0.25, -0.75, 1])
    func length(_ x: [Double]) -> Double { x.map { $0 * $0 }.reduce(0, +).squareRoot() }
    for step in 0..<20 {
      let rate = Double(Self.falling(step))
      let gradient = (0..<4).map { curvature[$0] * (w[$0] - centre[$0]) }
      let decayed = (0..<4).map { gradient[$0] + weightDecay * w[$0] }
      let trust =
        variant == .lightly
        ? 0.1 * length(w) / (length(gradient) + weightDecay * length(w) + 1e-8)
        : 0.1 * length(w) / length(decayed)
      for index in 0..<4 {
        switch variant {
        case .google:
          v[index] = 0.9 * v[index] + rate * trust * decayed[index]
          w[index] -= v[index]
        case .deepMind, .lightly:
          v[index] = 0.9 * v[index] + trust * decayed[index]
          w[index] -= rate * v[index]
        }
      }
    }
    return w
  }

  private static func falling(_ step: Int) -> Float { 0.5 - 0.02 * Float(step) }

  func testMatchesItsFormulas() {
    for variant in [LARS.Variant.google, .deepMind, .lightly] {
      check(
        result(variant, weightDecay: 0.1, rate: Self.falling),
        derivation(variant, 0.1).map { Float($0) })
    }
  }

  /// A rate inside or outside the velocity differs only while it changes.
  func testRateInsideAndOutsideTheVelocity() {
    check(result(.google, weightDecay: 0.1), result(.deepMind, weightDecay: 0.1))
    XCTAssertGreaterThan(
      abs(result(.google, rate: Self.falling)[0] - result(.deepMind, rate: Self.falling)[0]), 1e-3)
  }

  func testFirstStepIsTheSlopeByTheLayersRate() {
    let w = Parameter(Tensor([3, 4]))
    w.gradient = Tensor([0, 2])
    LARS([ParameterGroup([w])], learningRate: 0.5).step()
    // trust = 0.001 · 5 / 2
    check(w.value.scalars, [3, 4 - 0.5 * 0.0025 * 2])
  }

  func testZeroLengthsAreTakenAsTheyAre() {
    let (zero, still) = (Parameter(.zeros([3])), Parameter(.ones([3])))
    (zero.gradient, still.gradient) = (.ones([3]), .zeros([3]))
    for variant in [LARS.Variant.google, .deepMind, .lightly] {
      let before = zero.value.scalars
      LARS([ParameterGroup([zero, still])], learningRate: 0.1, variant: variant).step()
      // Weights of zero move by the whole rate once; then they have a length.
      if before == [0, 0, 0] { check(zero.value.scalars, [-0.1, -0.1, -0.1]) }
      XCTAssertEqual(still.value.scalars, [1, 1, 1])
      XCTAssertTrue(zero.value.scalars.allSatisfy(\.isFinite))
    }
  }

  func testScaleOfTheGradientDoesNotMatter() {
    let lengths = [1e-6, 1, 1e6].map { (scale: Float) -> Float in
      let w = Parameter(Tensor([3, 4]))
      w.gradient = Tensor([scale, scale])
      LARS([ParameterGroup([w])], learningRate: 1).step()
      return (w.value - Tensor([3, 4])).norm().item
    }
    for length in lengths { XCTAssertEqual(length, 0.005, accuracy: 1e-6) }
  }

  func testFixedAndScaledRatesOfGroups() {
    let parameters = (0..<3).map { _ in Parameter(.ones([1])) }
    for parameter in parameters { parameter.gradient = .ones([1]) }
    let optimizer = LARS(
      [
        ParameterGroup([parameters[0]], usesLayerAdaptation: false),
        ParameterGroup([parameters[1]], learningRateScale: 0.5, usesLayerAdaptation: false),
        ParameterGroup([parameters[2]], fixedLearningRate: 0.25, usesLayerAdaptation: false),
      ], learningRate: 1)
    optimizer.learningRate = 0.1
    optimizer.step()
    for (parameter, value) in zip(parameters, [0.9, 0.95, 0.75] as [Float]) {
      XCTAssertEqual(parameter.value.item, value, accuracy: 1e-6)
    }
  }

  func testFixedRateHoldsForEveryOptimizer() {
    for make in [
      { SGD($0, learningRate: 1) }, { Adam($0, learningRate: 1) }, { AdamW($0, learningRate: 1) },
      { LARS($0, learningRate: 1) },
    ] as [([ParameterGroup]) -> any Optimizer] {
      let (fixed, free) = (Parameter(.ones([1])), Parameter(.ones([1])))
      (fixed.gradient, free.gradient) = (.ones([1]), .ones([1]))
      let optimizer = make([
        ParameterGroup([fixed], fixedLearningRate: 0.5, usesLayerAdaptation: false),
        ParameterGroup([free]),
      ])
      optimizer.learningRate = 0
      optimizer.step()
      XCTAssertEqual(fixed.value.item, 0.5, accuracy: 1e-6)
      XCTAssertEqual(free.value.item, 1)
    }
  }

  func testNormsDoNotDependOnThreads() {
    let count = 100_003
    var stream = RandomStream(seed: 3)
    let (values, slopes) = (
      Tensor.normal([count], using: &stream), Tensor.normal([count], using: &stream)
    )
    let before = Threads.count
    defer { Threads.count = before }
    let results = [1, 2, 3].map { threads in
      Threads.count = threads
      return updateNorms(Parameter(values), gradient: slopes, weightDecay: 0.25)
    }
    let (weights, gradients) = (values.scalars.map(Double.init), slopes.scalars.map(Double.init))
    let weight = weights.map { $0 * $0 }.reduce(0, +).squareRoot()
    let decayed = zip(gradients, weights).map { $0 + 0.25 * $1 }
    let slope = decayed.map { $0 * $0 }.reduce(0, +).squareRoot()
    for result in results {
      XCTAssertEqual(result.weight, weight, accuracy: 1e-9 * weight)
      XCTAssertEqual(result.gradient, slope, accuracy: 1e-7 * slope)
      XCTAssertEqual(result.weight, results[0].weight)
      XCTAssertEqual(result.gradient, results[0].gradient)
    }
  }

  func testGroupsByLayerTypeSayWhatIsAdapted() {
    let net = Sequential {
      Conv2d(1, 2, kernelSize: 3)
      BatchNorm(2)
      Linear(2, 2)
    }
    let groups = net.parameterGroups(weightDecay: 0.5)
    XCTAssertEqual(groups.map(\.usesLayerAdaptation), [true, false])
    XCTAssertTrue(groups[1].parameters.allSatisfy { $0.shape.rank == 1 })
    // A bias of zero moves by the whole rate: it is not held at zero by its own length.
    let bias = Parameter(.zeros([2]))
    bias.gradient = .ones([2])
    LARS([ParameterGroup([bias], usesLayerAdaptation: false)], learningRate: 0.5).step()
    XCTAssertEqual(bias.value.scalars, [-0.5, -0.5])
  }

  func testScalingRules() {
    XCTAssertEqual(LearningRate.scaled(base: 0.3, batchSize: 4_096), 4.8, accuracy: 1e-6)
    XCTAssertEqual(LearningRate.scaled(base: 0.5, batchSize: 256), 0.5)
    XCTAssertEqual(
      LearningRate.scaled(base: 0.075, batchSize: 4_096, rule: .squareRoot), 4.8, accuracy: 1e-6)
  }
}
