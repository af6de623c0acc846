import Nets
import Tensor

/// Decides when targets follow and memories grow: once for each step of the optimizer.
///
/// A loss that is differentiated stages what it wants to change. When the weights have moved since,
/// the step is over: targets follow and the staged changes are made, at `updateMovingAverage()` or,
/// at the latest, before the next loss. So a forgotten, doubled or misplaced call changes nothing
/// of a training, and accumulated batches count as the one step that they are.
// Unchecked: the reverse pass stages on the task that owns the learner.
final class StepCommits: @unchecked Sendable {
  private let parameters: [Parameter]
  private let targets: [TargetNetwork]
  private var staged: [() -> Void] = []
  /// The weights' version when the first of the staged losses was differentiated.
  private var stagedVersion = 0
  /// The weights' version when targets followed last.
  private var settledVersion = 0
  /// How often weights had been assigned when targets last agreed with that.
  private var knownAssignments = 0

  init(_ parameters: [Parameter], _ targets: [TargetNetwork]) {
    self.parameters = parameters
    self.targets = targets
    acceptWeights()
  }

  private var version: Int { parameters.reduce(0) { $0 + $1.version } }
  private var assignments: Int { parameters.reduce(0) { $0 + $1.assignments } }

  /// `loss`, whose commit is staged when its gradient is taken.
  func stagingCommit(of loss: StepLoss) -> StepLoss {
    nonisolated(unsafe) let commit = loss.commit ?? {}
    return loss.replacing(
      loss.value.recorded(from: [loss.value], operation: "loss") { gradient, _ in
        self.stage(commit)
        return [gradient]
      })
  }

  private func stage(_ commit: @escaping () -> Void) {
    if staged.isEmpty { stagedVersion = version }
    staged.append(commit)
  }

  /// Ends the step if the weights have moved since its losses were differentiated.
  ///
  /// - Returns: Whether it did.
  @discardableResult
  func settle() -> Bool {
    guard !staged.isEmpty, version != stagedVersion else { return false }
    targets.forEach { $0.update() }
    staged.forEach { $0() }
    staged = []
    acceptWeights()
    return true
  }

  /// Ends the step, also one of a loss that the learner did not compute: targets follow if the
  /// weights have moved since the last step.
  func settleExplicitly() {
    guard !settle(), staged.isEmpty, version != settledVersion, assignments == knownAssignments
    else { return }
    targets.forEach { $0.update() }
    settledVersion = version
  }

  /// Ends the step, or lets targets begin with weights that were loaded before the first one.
  func followLoadedWeights() {
    guard !settle(), staged.isEmpty, assignments != knownAssignments,
      targets.allSatisfy({ $0.step == 0 })
    else { return }
    targets.forEach { $0.reset() }
    acceptWeights()
  }

  /// Ends the step, and checks that the targets know the weights.
  ///
  /// - Precondition: After the first step weights change by steps alone, or the targets were reset.
  func checkWeights(of method: String) {
    followLoadedWeights()
    precondition(
      !staged.isEmpty || assignments == knownAssignments,
      "\(method): weights were assigned outside of a step, and the target still follows the old "
        + "ones; call resetMovingAverage() after loading weights in the middle of a training, and "
        + "change weights by hand before updateMovingAverage()")
  }

  /// Takes the weights for those that the targets belong to.
  func acceptWeights() { (knownAssignments, settledVersion) = (assignments, version) }

  /// Forgets losses whose gradients no step will use.
  func discard() { staged = [] }
}
