import Datasets
import Nets
import SelfSupervised
import Tensor
import Training
import XCTest

/// Every method and network gives the same bits by any number of threads: how work is divided depends
/// on its sizes alone.
final class ThreadIndependenceTests: XCTestCase {
  private let counts = [1, 2, 3, 5, 16]

  func testEveryMethod() throws {
    for method in MethodName.allCases {
      try assertSameBits("\(method)") {
        let net = withRandomSeed(1) { ResNet.resNet10(stem: .small, width: 8) }
        return try Self.train(net, by: Recipe(method, for: .photographs), side: 20)
      }
    }
  }

  func testEveryPrecisionAndNetwork() throws {
    let networks: [() -> ResNet] = [
      { .resNet18(stem: .small, width: 16) }, { .resNet50(stem: .imageNet, width: 16) },
    ]
    for precision in MatmulPrecision.allCases {
      for (index, make) in networks.enumerated() {
        try assertSameBits("network \(index), \(precision)") {
          try withMatmulPrecision(precision) {
            try Self.train(
              withRandomSeed(1, make), by: Recipe(.byol, for: .photographs), side: 32)
          }
        }
      }
    }
  }

  private func assertSameBits(_ name: String, _ train: () throws -> [UInt32]) throws {
    let before = Threads.count
    defer { Threads.count = before }
    let results = try counts.map { count in
      Threads.count = count
      return try train()
    }
    XCTAssertFalse(results[0].isEmpty)
    for (count, result) in zip(counts, results) where result != results[0] {
      XCTFail("\(name): \(count) threads give other bits than one")
    }
  }

  /// The bits of all weights after three steps.
  private static func train(
    _ net: ResNet, by recipe: Recipe, side: Int
  ) throws -> [UInt32] {
    let images = Shapes(count: 48, size: side)
    var stream = RandomStream(seed: 3)
    let teacher = Tensor.normal([images.count, 24], using: &stream)
    let training = recipe.training(
      net, imageSize: Size2D(side), hiddenLayer: "avgpool", steps: 3,
      teacher: recipe.method == .distillation ? .kept(teacher) : nil, seed: 2)
    let trainer = Trainer(
      training.learner, optimizer: training.optimizer,
      loader: DataLoader(images, batchSize: 16, shuffled: true, seed: 4), stepCount: 3)
    trainer.learningRate = training.learningRate
    try trainer.run()
    return net.parameters.flatMap { $0.value.scalars.map(\.bitPattern) }
  }
}
