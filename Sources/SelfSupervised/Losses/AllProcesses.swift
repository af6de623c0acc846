import Tensor

// A learner weighs the loss of each process by its share of the batch's rows: a loss is the mean
// over a process's own rows, or a number of all rows that each process computes alike.

/// The rows of the batch that `x` [own count, …] is this process's part of.
func batchRows(_ x: Tensor) -> BatchRows { ProcessGroup.current.rows(x.shape[0]) }

/// The mean over the rows of all processes, alike on each.
func meanOverAll(_ x: Tensor, _ rows: BatchRows, keepingAxes: Bool = false) -> Tensor {
  ProcessGroup.current.isSingle
    ? x.mean(axes: [0], keepingAxes: keepingAxes)
    : allReduceSum(x.sum(axes: [0], keepingAxes: keepingAxes)) / Float(rows.total)
}

/// The logarithm of the sum of all processes' exponentials, from that of this one's: a scalar,
/// alike on each.
func logSumExpOverAll(_ own: Tensor) -> Tensor {
  ProcessGroup.current.isSingle ? own : allGather(own.reshaped([1])).logSumExp()
}

/// The labels of all processes' rows.
func allGather(_ labels: [Int]?) -> [Int]? {
  labels.map(ProcessGroup.current.allGatherRows)
}

extension ViewPair {
  /// Both views' rows of all processes.
  var ofAllProcesses: ViewPair { ViewPair(first: allGather(first), second: allGather(second)) }
}
