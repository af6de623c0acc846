// Writes what a network with a file of its weights makes of images, for comparisons with programs in other languages.
//   swift run -c release Features WEIGHTS IMAGES.safetensors OUTPUT.safetensors [COPY.safetensors]
// IMAGES holds one tensor, `images` of shape [count, channels, height, width]; OUTPUT gets `features` of
// shape [count, width], in front of the classifier, and `logits`; COPY gets the network again.
import Arguments
import SelfSupervised

runProgram("Features") {
  let words = Array(CommandLine.arguments.dropFirst())
  guard (3...4).contains(words.count) else {
    throw UsageError(
      "usage: Features WEIGHTS IMAGES.safetensors OUTPUT.safetensors [COPY.safetensors]")
  }
  let state = try StateDict(contentsOf: words[0])
  let (architecture, net) = try NetworkArchitecture.network(contentsOf: words[0])
  say("\(architecture)")
  say("\(try net.loadPretrained(state))")
  let images = try StateDict(contentsOf: words[1]).tensor(named: "images").permuted([0, 2, 3, 1])
  let backbone = Backbone(
    net, hiddenLayers: [architecture.featureLayer],
    inputShape: TensorShape(Array(images.shape.dropFirst())))
  let (features, logits) = net.evaluating {
    withoutGradients { (backbone(images), net(images)) }
  }
  try StateDict([.init("features", features), .init("logits", logits)]).write(to: words[2])
  if words.count == 4 { try net.save(to: words[3]) }
}
