import TestSupport
import XCTest

@testable import Tensor

/// Threads stand for processes.
final class CollectivesTests: XCTestCase {
  private func values(_ count: Int, seed: Int) -> [Float] {
    var stream = RandomStream(seed: UInt64(seed))
    return Tensor.normal([count], using: &stream).scalars
  }

  private func sums(_ count: Int, of size: Int, _ precision: MessagePrecision) -> [[Float]] {
    let values = (0..<size).map { self.values(count, seed: $0) }
    return ProcessGroup.threads(size) { group in
      var own = values[group.rank]
      own.withUnsafeMutableBufferPointer { group.sum($0, precision: precision) }
      return own
    }
  }

  func testSumsAddInTheOrderOfRanksWhateverTheirLength() {
    for size in 2...4 {
      for count in [1, 2, 7, 4_096, 4_097, 10_007] {
        let all = (0..<size).map { values(count, seed: $0) }
        let right = (0..<count).map { index in
          all.dropFirst().reduce(all[0][index]) { $0 + $1[index] }
        }
        for sum in sums(count, of: size, .float32) {
          XCTAssertEqual(sum.map(\.bitPattern), right.map(\.bitPattern), "\(size), \(count)")
        }
      }
    }
  }

  func testShortMessagesRoundOnceOnTheWayThereAndOnceBack() {
    let exact = sums(5_000, of: 3, .float32)[0]
    let all = sums(5_000, of: 3, .bfloat16)
    let terms = (0..<3).map { values(5_000, seed: $0) }
    for sum in all {
      XCTAssertEqual(sum.map(\.bitPattern), all[0].map(\.bitPattern))
      // Eight significant bits: each of three terms is off by 1/256 of it at most, and then the sum.
      for (index, (rounded, right)) in zip(sum, exact).enumerated() {
        let error = terms.reduce(Float(0)) { $0 + abs($1[index]) } / 256
        XCTAssertLessThanOrEqual(abs(rounded - right), error + (abs(right) + error) / 256)
      }
    }
    XCTAssertNotEqual(all[0], exact)
  }

  /// Of Σ over ranks of r + 1 times the gathered rows, the gradient at each row is 1 + 2 + 3.
  func testTheGradientOfGatheredRowsIsTheSumOfAllProcessesOnes() {
    let results = ProcessGroup.threads(3) { group in
      withProcessGroup(group) {
        let rows = group.rank + 1
        let own = Tensor.full(Float(group.rank), [rows, 2]).tracked
        let all = allGather(own)
        let weights = Tensor.arange(12).reshaped([6, 2]) * Float(group.rank + 1)
        let gradient = gradients(of: (all * weights).sum(), at: [own])[0]
        return (all.scalars, gradient.scalars)
      }
    }
    for (rank, result) in results.enumerated() {
      XCTAssertEqual(result.0, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
      let start = [0, 2, 6][rank]
      XCTAssertEqual(result.1, (start..<start + 2 * (rank + 1)).map { 6 * Float($0) })
    }
  }

  /// A process that has no rows takes part all the same.
  func testAProcessMayHaveNoRows() {
    let results = ProcessGroup.threads(2) { group in
      withProcessGroup(group) {
        let own = Tensor.full(7, [3 * group.rank, 2]).tracked
        let all = allGather(own)
        let gradient = gradients(of: (all * Tensor.full(2, [3, 2])).sum(), at: [own])[0]
        return (all, gradient)
      }
    }
    for (rank, (all, gradient)) in results.enumerated() {
      XCTAssertEqual(all.shape, [3, 2])
      XCTAssertEqual(all.scalars, Array(repeating: 7, count: 6))
      XCTAssertEqual(gradient.shape, [3 * rank, 2])
      XCTAssertEqual(gradient.scalars, Array(repeating: 4, count: 6 * rank))
    }
  }

  func testTheGradientOfASumIsTheSumOfAllProcessesOnes() {
    let results = ProcessGroup.threads(2) { group in
      withProcessGroup(group) {
        let own = Tensor([1, 2]).tracked
        let sum = allReduceSum(own * Float(group.rank + 1))
        let gradient = gradients(of: (sum * Tensor([1, 10])).sum(), at: [own])[0]
        return (sum.scalars, gradient.scalars)
      }
    }
    for (rank, result) in results.enumerated() {
      XCTAssertEqual(result.0, [3, 6])
      XCTAssertEqual(result.1, [2, 20].map { $0 * Float(rank + 1) })
    }
  }

  func testAProcessAloneGathersAndAddsNothing() {
    let x = Tensor([1, 2]).tracked
    XCTAssertTrue(allGather(x).node === x.node)
    XCTAssertTrue(allReduceSum(x).node === x.node)
    XCTAssertEqual(ProcessGroup.single.rows(3).own, 0..<3)
  }

  func testSlicesAreContiguousAndDifferByOneAtMost() {
    let slices = ProcessGroup.threads(4) { $0.slice(of: 10) }
    XCTAssertEqual(slices, [0..<2, 2..<5, 5..<7, 7..<10])
  }

  func testGradientsOfAllBucketsAreAddedUp() {
    for overlaps in [true, false] {
      let results = ProcessGroup.threads(3) { group in
        // The second one fills a bucket of its own, the last one has no gradient.
        let shapes: [TensorShape] = [[3], [1 << 19], [5, 7], [2]]
        let parameters = shapes.map { Parameter(.zeros($0)) }
        let sum = GradientSum(parameters, over: group, overlaps: overlaps)
        for round in 1...2 {
          for (index, parameter) in parameters.enumerated().dropLast() {
            parameter.gradient = .full(
              Float(round * (group.rank + 1) * (index + 1)), parameter.shape)
          }
          for parameter in parameters.dropLast().reversed() { sum.ready(parameter) }
          sum.finish()
        }
        return parameters.map { $0.gradient.map { Set($0.scalars) } }
      }
      for result in results { XCTAssertEqual(result, [[12], [24], [36], nil]) }
    }
  }

  func testBackwardTellsOfEachParameterOnceAndWhenItIsComplete() {
    let (first, second) = (Parameter(Tensor([2])), Parameter(Tensor([3])))
    let product = first.value * second.value
    let loss = (product * product + second.value).sum()
    var seen: [ObjectIdentifier] = []
    var gradients: [Float] = []
    loss.backward { parameter in
      seen.append(ObjectIdentifier(parameter))
      gradients.append(parameter.gradient?.item ?? .nan)
    }
    XCTAssertEqual(Set(seen), [ObjectIdentifier(first), ObjectIdentifier(second)])
    // d(a²b² + b) is 2ab² and 2a²b + 1.
    XCTAssertEqual(gradients.sorted(), [25, 36])
  }
}

// MARK: - Batch norm

extension CollectivesTests {
  private static func normalized(
    _ x: Tensor, _ weights: Tensor, parts: Int
  ) -> (results: [[Float]], means: [Float], count: Int) {
    let (x, scale, bias) = (x.tracked, Tensor([1, 2, 3]).tracked, Tensor([0, 1, -1]).tracked)
    let result = batchNorm(x, parts: parts, scale: scale, bias: bias, activation: .relu)
    let found = gradients(of: (result.output * weights).sum(), at: [x, scale, bias])
    return (
      [result.output.scalars] + found.map(\.scalars),
      result.means.scalars + result.variances.scalars,
      result.count
    )
  }

  func testBatchNormOfSeveralProcessesIsThatOfOne() {
    var stream = RandomStream(seed: 5)
    let x = Tensor.normal([12, 4, 3], using: &stream) + Tensor([5, 0, -3])
    let weights = Tensor.normal([12, 4, 3], using: &stream)
    let whole = Self.normalized(x, weights, parts: 1)
    XCTAssertEqual(whole.count, 48)
    for size in 2...3 {
      let parts = ProcessGroup.threads(size) { group in
        let rows = [0..<5, 5..<6, 6..<12]
        let own = size == 3 ? rows[group.rank] : group.rank == 0 ? 0..<7 : 7..<12
        return withProcessGroup(group) { Self.normalized(x[own], weights[own], parts: 1) }
      }
      for part in parts {
        XCTAssertEqual(part.count, 48)
        XCTAssertEqual(part.means, parts[0].means)
        for (found, right) in zip(part.means, whole.means) {
          XCTAssertEqual(found, right, accuracy: 1e-6 * max(1, abs(right)))
        }
      }
      // Outputs and their gradients one behind the other; those of scale and bias are added up.
      for index in 0..<2 {
        let found = parts.flatMap { $0.results[index] }
        for (found, right) in zip(found, whole.results[index]) {
          XCTAssertEqual(found, right, accuracy: 1e-5)
        }
      }
      for index in 2..<4 {
        for channel in 0..<3 {
          let found = parts.reduce(Float(0)) { $0 + $1.results[index][channel] }
          XCTAssertEqual(found, whole.results[index][channel], accuracy: 1e-4)
        }
      }
    }
  }

  func testTheStatisticsOfTwoViewsStayApart() {
    var stream = RandomStream(seed: 6)
    let (first, second) = (
      Tensor.normal([6, 3], using: &stream), Tensor.normal([6, 3], using: &stream) + 4
    )
    let weights = Tensor.ones([12, 3])
    let whole = Self.normalized(concatenated([first, second]), weights, parts: 2)
    let parts = ProcessGroup.threads(2) { group in
      let own = group.rank == 0 ? 0..<4 : 4..<6
      return withProcessGroup(group) {
        Self.normalized(
          concatenated([first[own], second[own]]), .ones([2 * own.count, 3]), parts: 2)
      }
    }
    for part in parts {
      XCTAssertEqual(part.count, 6)
      for (found, right) in zip(part.means, whole.means) {
        XCTAssertEqual(found, right, accuracy: 1e-5)
      }
    }
  }
}

// MARK: - The launcher's words

extension CollectivesTests {
  func testAProcessKnowsWhoHasStartedIt() {
    XCTAssertNil(MPILaunch([:]))
    XCTAssertNil(MPILaunch(["OMPI_COMM_WORLD_SIZE": "1"]))
    XCTAssertEqual(MPILaunch(["OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "0"])?.size, 4)
    XCTAssertEqual(MPILaunch(["OMPI_COMM_WORLD_SIZE": "4"])?.interface?.name, "Open MPI")
    XCTAssertEqual(MPILaunch(["PMI_SIZE": "2"])?.interface?.name, "MPICH")
    let unknown = MPILaunch(["PMIX_RANK": "1"])
    XCTAssertNotNil(unknown)
    XCTAssertNil(unknown?.size)
  }
}
