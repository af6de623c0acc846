import Arguments
import Foundation

let commands: [(name: String, help: String, run: @Sendable ([String]) throws -> Void)] = [
  ("machine", "what there is to compute on, and how fast it is", runMachine),
  ("products", "the speed of small products", runProducts),
  ("convolution", "the speed of each convolution of a network", runConvolution),
  ("step", "the time of one training step of any learner", runStep),
  ("augmentation", "views per second", runAugmentation),
  ("optimizers", "the time of an update of 25 million parameters", runOptimizers),
  ("neighbours", "the time of the nearest neighbours' vote", runNeighbours),
  ("threads", "whether any number of threads gives the same bits", runThreads),
  ("scaling", "a step's time by batch, image size and threads", runScaling),
]

runProgram("benchmark") {
  var words = Array(CommandLine.arguments.dropFirst())
  guard let name = words.first, name != "--help" else {
    print("usage: benchmark COMMAND [flags]\n")
    for command in commands { print("  \(command.name)\t\(command.help)") }
    print("\nbenchmark COMMAND --help lists a command's flags.")
    return
  }
  words.removeFirst()
  guard let command = commands.first(where: { $0.name == name }) else {
    let names = commands.map(\.name).joined(separator: ", ")
    throw UsageError("there is no command \"\(name)\"; there are \(names)")
  }
  try command.run(words)
}
