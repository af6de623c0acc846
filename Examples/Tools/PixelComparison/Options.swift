import Arguments

/// What a command line asks for.
struct Options {
  let ways: [Way]
  let steps: Int
  let learningRate: Float
  let alpha: Float
  let images: Int
  let seed: UInt64
  let picture: String

  /// Reads the command line; nil when only help is asked for.
  init?(_ words: [String]) throws {
    let arguments = try Arguments(words, flags: Self.flags)
    if arguments.has("--help") { return nil }
    let name = try arguments.choice("--way", of: ["all"] + Way.allCases.map(\.rawValue))
    ways = Way(rawValue: name).map { [$0] } ?? Way.allCases
    learningRate = try arguments.positive("--learning-rate")
    alpha = try arguments.positive("--alpha")
    steps = try arguments.integer("--steps", in: 1...1_000_000)
    images = try arguments.integer("--images", in: 32...1_000_000)
    seed = UInt64(try arguments.integer("--seed", in: 0...1_000_000))
    picture = arguments.string("--picture") ?? ""
  }

  static var help: String {
    """
    usage: PixelComparison [flags]

    Trains one network in four ways on generated scenes without their labels, lets a linear layer say
    what each pixel shows, and writes a table of how well that covers the truth, and a picture.

    \(flags.help)
    """
  }

  private static let flags = [
    Flag(
      "--way", "NAME", "one of \(Way.allCases.map(\.rawValue).joined(separator: ", "))",
      standard: "all"),
    Flag("--learning-rate", "RATE", "highest step size of LARS", standard: "2"),
    Flag("--alpha", "NUMBER", "how much pixels count beside whole images", standard: "4"),
    Flag("--steps", "N", "steps of each training", standard: "1200"),
    Flag("--images", "N", "scenes to train on", standard: "4000"),
    Flag("--seed", "N", "what all randomness comes from", standard: "0"),
    Flag("--picture", "FILE", "where the picture goes, .ppm or .png", standard: "pixels.ppm"),
    Flag("--help", "this text"),
  ]
}
