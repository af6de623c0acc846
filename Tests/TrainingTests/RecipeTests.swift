import Datasets
import Nets
import SelfSupervised
import Tensor
import XCTest

@testable import Training

/// Recipes, and the numbers of them that have names.
final class RecipeTests: XCTestCase {
  /// The properties of a recipe in a text, which tells any two recipes apart.
  private func text(_ recipe: Recipe) -> String {
    var text = ""
    dump(recipe, to: &text)
    return text
  }

  func testEachSettingChangesOneNumberOfItsOwn() {
    let names = RecipeSetting.all.map(\.name)
    XCTAssertEqual(Set(names).count, names.count)
    let recipe = Recipe(.byol, for: .grayObjects)
    let lines = text(recipe).split(separator: "\n")
    var seen: Set<[Int]> = []
    for setting in RecipeSetting.all {
      // No recipe has an end of the range that is not the other end too.
      var changed = [recipe, recipe]
      setting.apply(setting.range.lowerBound, to: &changed[0])
      setting.apply(setting.range.upperBound, to: &changed[1])
      XCTAssertNotEqual(text(changed[0]), text(changed[1]), setting.name)
      let other = text(changed[0]) == text(recipe) ? changed[1] : changed[0]
      let differing = zip(lines, text(other).split(separator: "\n")).enumerated()
        .filter { $1.0 != $1.1 }.map(\.offset)
      XCTAssertTrue(seen.insert(differing).inserted, "\(setting.name) changes what another does")
    }
  }

  func testViewsAreAShareOfTheImage() {
    var recipe = Recipe(.simclr, for: .photographs)
    recipe.viewShare = 0.7
    XCTAssertEqual(recipe.viewSize(of: 28), Size2D(20))
    XCTAssertEqual(
      recipe.viewSize(of: Size2D(height: 64, width: 1)), Size2D(height: 45, width: 1))
    recipe.viewShare = 1
    XCTAssertEqual(recipe.viewSize(of: 28), Size2D(28))
  }

  /// 100 steps of which 30 rise to a rate of 2, against the formula by hand.
  func testTheScheduleRisesAndFallsToZero() {
    var recipe = Recipe(.simclr, for: .grayObjects)
    (recipe.warmUp, recipe.optimizer.learningRate) = (0.3, 2)
    let schedule = recipe.schedule(steps: 100)
    XCTAssertEqual(schedule.value(at: 14), 2 * 15.0 / 31, accuracy: 1e-6)
    XCTAssertEqual(schedule.value(at: 30), 2, accuracy: 1e-6)
    XCTAssertEqual(schedule.value(at: 65), 1, accuracy: 1e-6)
    XCTAssertLessThan(schedule.value(at: 99), 2e-3)
  }

  func testAPredictorMayLearnFaster() throws {
    var recipe = Recipe(.byol, for: .grayObjects)
    recipe.predictorRate = 5
    let net = ResNet(depth: .resNet10, stem: .small, width: 2, inputChannels: 1)
    let training = recipe.training(net, imageSize: 8, hiddenLayer: "avgpool", steps: 10, seed: 0)
    let learner = try XCTUnwrap(training.learner as? BYOL)
    let predictor = Set(learner.parts.predictor.parameters.map(ObjectIdentifier.init))
    for group in training.optimizer.groups {
      let isPredictors = group.parameters.allSatisfy { predictor.contains(ObjectIdentifier($0)) }
      XCTAssertEqual(group.fixedLearningRate, isPredictors ? 1.5 : nil)
    }
    XCTAssertEqual(
      training.optimizer.groups.flatMap(\.parameters).count, learner.parameters.count)
  }

  func testMeasuringARateLeavesTheNetworkAsItWas() throws {
    let net = ResNet(depth: .resNet10, stem: .small, width: 2, inputChannels: 1)
    let before = net.state
    var stream = RandomStream(seed: 3)
    let images = LabeledImages(images: .uniform([12, 8, 8, 1], in: 0..<1, using: &stream))
    let rate = try Recipe(.byol, for: .grayObjects).imagesPerSecond(
      net, imageSize: 8, hiddenLayer: "avgpool",
      loader: DataLoader(images, batchSize: 4, shuffled: true, dropsLast: true), for: .seconds(0.2))
    XCTAssertGreaterThan(rate, 0)
    for (now, then) in zip(net.state.entries, before.entries) {
      XCTAssertEqual(now.value.scalars, then.value.scalars, now.name)
    }
  }
}
