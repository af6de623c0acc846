import Nets

extension BYOL {
  /// Groups of which those of the predictor keep one learning rate under any schedule.
  ///
  /// SimSiam's predictor does so: it should keep up with a projector that still changes (Chen and He,
  /// 2021, section 4.2; `fix_pred_lr` of their code).
  ///
  /// - Parameters:
  ///   - weightDecay: The decay of weights; biases and norms do not decay.
  ///   - predictorLearningRate: The predictor's learning rate, usually the schedule's highest.
  /// - Returns: Weights, then biases and norms; first those of the network and the projector, then the
  ///   predictor's.
  public func parameterGroups(
    weightDecay: Float, predictorLearningRate: Float
  ) -> [ParameterGroup] {
    let fixed = Set(predictor.parameters.map(ObjectIdentifier.init))
    let groups = parameterGroups(weightDecay: weightDecay)
    func part(_ isFixed: Bool) -> [ParameterGroup] {
      groups.map { group in
        var group = group
        group.parameters.removeAll { fixed.contains(ObjectIdentifier($0)) != isFixed }
        group.fixedLearningRate = isFixed ? predictorLearningRate : nil
        return group
      }
    }
    return part(false) + part(true)
  }
}
