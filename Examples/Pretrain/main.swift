import Arguments
import Datasets
import SelfSupervised

runProgram("pretrain") { error in
  switch error {
  case let error as FileError: error.kind == .unwritable ? 74 : 66
  case is CheckpointError: 66
  default: nil
  }
} _: {
  guard let options = try Options(Array(CommandLine.arguments.dropFirst())) else {
    say(Options.help)
    return
  }
  try withConvolutionAlgorithm(options.convolution) {
    try withProductPrecision(options.precision) { try Pretraining(options).run() }
  }
}
