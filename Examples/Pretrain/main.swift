import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

// Batch systems send it before a job's end; it asks for a checkpoint while there is a training.
signal(SIGUSR1, SIG_IGN)
// A file above a limit of the shell is then an error of a write, which is said, and not the end.
signal(SIGXFSZ, SIG_IGN)
runProgram("pretrain") { error in
  switch error {
  case let error as FileError: error.kind == .unwritable ? 74 : 66
  case is CheckpointError, is StateError: 66
  case is ProcessGroupError: 69
  case is NonFiniteError: 65
  default: nil
  }
} _: {
  let (command, words) = try Command.parse(Array(CommandLine.arguments.dropFirst()))
  try command.run(words)
}
