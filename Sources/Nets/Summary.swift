import Foundation
import Tensor

extension Module {
  /// A line for each layer: name, type, number of parameters. The network does not run.
  public var description: String { summary(outputs: nil) }

  /// A line for each layer: name, type, output shape, number of parameters.
  ///
  /// - Parameter inputShape: What to run the network on, in evaluation mode, to find the output
  ///   shapes; the module's own example when it is nil, and no shapes when it has none.
  /// - Returns: A table with a total below it.
  public func summary(inputShape: TensorShape? = nil) -> String {
    guard let input = inputShape ?? exampleShape else { return description }
    return summary(
      outputs: ActivationTap.outputs {
        evaluating { withoutGradients { _ = self(Tensor.zeros(input)) } }
      })
  }

  private func summary(outputs: [ObjectIdentifier: Tensor]?) -> String {
    let rows = namedModules.map { name, module in
      let own = module.members.reduce(0) { total, member in
        if case .parameter(let parameter) = member.content {
          total + parameter.shape.elementCount
        } else {
          total
        }
      }
      let shape = outputs.map { [$0[ObjectIdentifier(module)]?.shape.description ?? ""] } ?? []
      return [name.isEmpty ? "(network)" : name, "\(type(of: module))"] + shape
        + [own == 0 ? "" : grouped(own)]
    }
    let parameters = parameters
    let count = parameters.reduce(0) { $0 + $1.shape.elementCount }
    let trainable = parameters.reduce(0) { $0 + ($1.isTrainable ? $1.shape.elementCount : 0) }
    let note = trainable == count ? "" : ", \(grouped(trainable)) of them trainable"
    let head = ["layer", "type"] + (outputs == nil ? [] : ["output"]) + ["parameters"]
    return table([head] + rows) + "\n\(grouped(count)) parameters\(note)"
  }
}

/// Columns as wide as their longest entry.
private func table(_ rows: [[String]]) -> String {
  let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    zip(row, widths).enumerated().map { column, cell in
      let gap = String(repeating: " ", count: cell.1 - cell.0.count)
      return column == row.count - 1 ? gap + cell.0 : cell.0 + gap
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// 11689512 as "11,689,512".
private func grouped(_ number: Int) -> String {
  let digits = Array(String(number))
  return digits.enumerated().map { position, digit in
    let rest = digits.count - position
    return position > 0 && rest.isMultiple(of: 3) ? ",\(digit)" : "\(digit)"
  }.joined()
}
