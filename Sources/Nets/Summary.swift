import Foundation
import Tensor

extension Module {
  /// The summary, with output shapes if an example shape is known.
  public var description: String { summary() }

  /// A line for each layer: name, type, output shape, number of parameters.
  ///
  /// - Parameter inputShape: What to run the network on, in evaluation mode, to find the output
  ///   shapes; the module's own example when it is nil, and no shapes when it has none.
  /// - Returns: A table with a total below it.
  public func summary(inputShape: Shape? = nil) -> String {
    let modules = namedModules
    let outputs = (inputShape ?? exampleShape).map(outputShapes(for:)) ?? [:]
    let rows = modules.map { name, module -> [String] in
      let own = module.members.reduce(0) { total, member in
        if case .parameter(let parameter) = member.content {
          total + parameter.shape.elementCount
        } else {
          total
        }
      }
      return [
        name.isEmpty ? "(network)" : name, "\(type(of: module))",
        outputs[ObjectIdentifier(module)]?.description ?? "",
        own == 0 ? "" : grouped(own),
      ]
    }
    let trainable = parameters.filter(\.isTrainable).reduce(0) { $0 + $1.shape.elementCount }
    let note = trainable == parameterCount ? "" : ", \(grouped(trainable)) of them trainable"
    return table([["layer", "type", "output", "parameters"]] + rows)
      + "\n\(grouped(parameterCount)) parameters\(note)"
  }

  private func outputShapes(for input: Shape) -> [ObjectIdentifier: Shape] {
    ActivationTap.outputs {
      evaluating { withoutGradients { _ = self(Tensor.zeros(input)) } }
    }.mapValues(\.shape)
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
