/// The parts of a data set.
public enum Split: String, CaseIterable, Sendable {
  /// The images to learn from.
  case train
  /// The images to be judged on.
  case test
  /// Images without labels, which only some sets have.
  case unlabeled

  /// Whether this is the test part of a set that has two.
  func isTest(_ name: String) -> Bool {
    precondition(self != .unlabeled, "\(name) has the splits train and test; got \(rawValue)")
    return self == .test
  }
}
