import Arguments

runProgram("PixelComparison") {
  guard let options = try Options(Array(CommandLine.arguments.dropFirst())) else {
    say(Options.help)
    return
  }
  try Comparison(options).run()
}
