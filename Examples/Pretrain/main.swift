import Arguments
import Datasets
import SelfSupervised
import Training

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
    try withMatmulPrecision(options.precision) {
      if let replay = options.replay {
        try Pretraining.replay(options, replay)
      } else {
        try Pretraining(options).run()
      }
    }
  }
}
