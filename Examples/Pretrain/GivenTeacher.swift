import Arguments
import Files
import Nets
import SelfSupervised
import Training

/// The network of `--teacher`, and the images that it looks at.
struct GivenTeacher {
  private let network: TeacherNetwork
  private let source: Source
  /// Where the features are kept; nil if nowhere.
  private let path: String?

  /// The height and width of ImageNet's pictures in most trainings.
  private static let publishedSize = 224

  /// The network, if the command line names one.
  ///
  /// - Throws: `UsageError` if it is for other images, `FileError` and `StateError` if it cannot be
  ///   read or is of no network of this program.
  init?(_ options: Options, _ source: Source) throws {
    guard let file = options.teacher else { return nil }
    let state = try StateDict(contentsOf: file)
    let architecture = try naming(file) { try NetworkArchitecture(of: state) }
    let channels = source.training.imageShape[2]
    guard architecture.inputChannels == channels else {
      throw UsageError(
        "--teacher needs a network for images of \(counted(channels, "channel")), which the data have; "
          + "\(file) is of \(architecture)")
    }
    // The classifier may be in no file, and would else be another one each time.
    let net = withRandomSeed(0) { architecture() }
    let load = try naming(file) { try net.loadPretrained(state) }
    if options.former == nil, options.replay == nil {
      say("\(file): \(architecture), \(load)")
    }
    let isOurs = BackboneFile.seesPlainImages(state.metadata)
    let usual =
      isOurs
      ? try BackboneFile.imageSize(of: state.metadata, in: file) : Size2D(Self.publishedSize)
    let size = try SizeMultiple(architecture.sizeMultiple)
      .size("--teacher-size", options.teacherSize, else: usual)
    network = TeacherNetwork(
      net, hiddenLayer: architecture.featureLayer, imageSize: size,
      normalization: isOurs ? nil : .imageNet, channels: channels)
    self.source = source
    path = options.cache.map { "\($0)/teacher-features-\(source.fingerprint).safetensors" }
  }

  /// What it makes of the images that are trained on.
  ///
  /// - Throws: `FileError` if they cannot be kept.
  func features() throws -> Tensor {
    let taught = try TeacherFeatures(
      of: source.training, by: network, keptIn: path, fingerprint: source.fingerprint)
    let place = path.map { taught.isFromFile ? ", read from \($0)" : ", kept in \($0)" } ?? ""
    say("the teacher's \(network.width) features of each image" + place)
    return taught.features
  }
}
