/// What a number of a run is, and how its curve should look.
struct CurveKind: Sendable {
  /// What a curve is about: the part of the report that shows it.
  enum Topic: CaseIterable, Sendable {
    case learning, features, collapse, pace
  }

  let topic: Topic
  let title: String
  /// What it is, in a sentence.
  let meaning: String
  /// What it should look like, in a sentence.
  let expectation: String
  /// Numbers that the axis shows in any case.
  var shown: [Double] = []
  /// A line to compare with, and its name.
  var reference: (value: Double, name: String)?

  /// The kind of a number by its name in the log; plainly named if it is not known.
  static func named(_ name: String, isEvaluation: Bool) -> CurveKind {
    known[name]
      ?? CurveKind(
        topic: isEvaluation ? .features : .learning,
        title: name.replacing("_", with: " "),
        meaning: "A number that the \(isEvaluation ? "evaluation" : "method") gives.",
        expectation: "There is no rule for it here.")
  }

  /// Numbers that a run says of itself and that need no curve.
  static let withoutCurve: Set = ["seconds", "negatives_per_anchor", "evaluated_images"]

  /// In the order in which they are shown.
  static let order = [
    "loss", "learning_rate", "gradient_norm",
    "knn", "view_neighbors", "rotation_accuracy", "lidar", "feature_rank", "alignment",
    "uniformity", "view_retrieval", "neighbor_stability",
    "contrastive_accuracy", "correlation_accuracy", "agreement", "target_entropy",
    "right_neighbours",
    "random_neighbours", "pixel_loss", "instance_loss", "positive_pairs", "positive_share",
    "spread", "effective_rank", "dead_share", "pixel_spread",
    "images_per_second", "wait_share",
  ]

  private static let known: [String: CurveKind] = [
    "loss": CurveKind(
      topic: .learning, title: "Loss",
      meaning: "What the training makes small: how badly two views of a picture agree.",
      expectation: "It falls fast at first, then slowly. While it still falls at the right end, "
        + "a longer training may gain; flat for the last third, it gains little."),
    "target_entropy": CurveKind(
      topic: .learning, title: "The target's entropy",
      meaning:
        "How undecided the target is between the prototypes: 0 if it is sure, the logarithm of their "
        + "number if it has no opinion.",
      expectation:
        "It falls from its upper end and stays clear of both ends and of the loss, which is above "
        + "it: at 0 one prototype has won all pictures, and where loss and entropy are the same nothing is learned."
    ),
    "learning_rate": CurveKind(
      topic: .learning, title: "Learning rate",
      meaning: "How large the steps are.",
      expectation: "It rises for a short while and then falls along half a wave to zero at the "
        + "planned end. A run that was stopped before that has not settled.", shown: [0]),
    "gradient_norm": CurveKind(
      topic: .learning, title: "Gradient norm",
      meaning: "How strongly the loss pulls at all weights together.",
      expectation: "It moves about one level, with spikes. One that grows without end "
        + "says that the learning rate is too high.", shown: [0]),
    "knn": CurveKind(
      topic: .features, title: "Neighbors' vote (kNN accuracy)",
      meaning: "The share of labeled pictures whose class their nearest neighbors name rightly.",
      expectation: "It rises, and ever more slowly. While it rises, train on; one that has been "
        + "flat for several evaluations is as good as this run makes it."),
    "view_neighbors": CurveKind(
      topic: .features, title: "Neighbors that views share",
      meaning: "The share of a picture's ten nearest neighbors that stay the same when other views "
        + "of all pictures are taken.",
      expectation: "It rises, as labels' judgment would; among the networks of a run the one with "
        + "the most is kept."),
    "rotation_accuracy": CurveKind(
      topic: .features, title: "Rotations told apart",
      meaning: "The share of turned pictures whose quarter turns a linear layer on the features "
        + "names; a guess is right for a quarter.",
      expectation: "It rises well above 0.25, unless the pictures look the same when turned.",
      reference: (0.25, "guessing")),
    "lidar": CurveKind(
      topic: .features, title: "LiDAR rank",
      meaning: "In how many directions pictures differ more than views of one picture do.",
      expectation: "In measured runs it fell while the judgment of labels rose: a low number is no "
        + "bad sign."),
    "feature_rank": CurveKind(
      topic: .features, title: "Rank of the features",
      meaning: "How many directions the features of the network use.",
      expectation: "It rises or stays. One that falls towards 1 says that the features collapse.",
      shown: [1]),
    "alignment": CurveKind(
      topic: .features, title: "Alignment",
      meaning: "How far apart the features of two views of one picture lie.",
      expectation: "It leaps up from the untrained network's, whose features all are alike, and "
        + "then falls. Zero while uniformity is near zero too is a collapse.", shown: [0]),
    "uniformity": CurveKind(
      topic: .features, title: "Uniformity",
      meaning: "How evenly the features of different pictures spread; zero is all in one place.",
      expectation: "It falls well below zero and stays there.", shown: [0]),
    "view_retrieval": CurveKind(
      topic: .features, title: "Views found again",
      meaning: "How often the nearest neighbor of a view is the other view of the same picture.",
      expectation: "It rises, seldom to 1. Above a half from the start says that the views are too "
        + "alike.", shown: [1]),
    "neighbor_stability": CurveKind(
      topic: .features, title: "Stability of neighbors",
      meaning: "The share of each picture's neighbors that it had at the evaluation before.",
      expectation: "It rises as the training settles. While it is low, the network still changes, "
        + "and a longer training may gain.", shown: [0, 1]),
    "spread": CurveKind(
      topic: .collapse, title: "Spread of the projections",
      meaning: "How much the projections of different pictures differ: 1 is evenly spread, 0 is "
        + "all alike.",
      expectation: "It stays far above the line. Near zero the network gives the same "
        + "answer for every picture, and the run is lost.",
      shown: [0, 1], reference: (0.1, "collapse")),
    "effective_rank": CurveKind(
      topic: .collapse, title: "Effective rank of the projections",
      meaning: "In how many directions the projections differ.",
      expectation: "It stays well above the line. It may dip in the first hundred steps and "
        + "should rise again.", shown: [0], reference: (3, "collapse")),
    "dead_share": CurveKind(
      topic: .collapse, title: "Dead directions",
      meaning: "The share of the projections' numbers that are the same for all pictures.",
      expectation: "It stays near zero.", shown: [0, 0.1]),
    "pixel_spread": CurveKind(
      topic: .collapse, title: "Spread of the pixels' projections",
      meaning: "How much the projections of different places of pictures differ.",
      expectation: "It rises above the line, perhaps only after some hundred steps.",
      shown: [0], reference: (0.1, "collapse")),
    "contrastive_accuracy": CurveKind(
      topic: .learning, title: "Views told from others",
      meaning: "The share of views whose most similar view in the batch is of the same picture.",
      expectation: "It rises towards 1.", shown: [1]),
    "correlation_accuracy": CurveKind(
      topic: .learning, title: "Features told from others",
      meaning: "The share of features that agree most with their own across the two views.",
      expectation: "It rises.", shown: [1]),
    "right_neighbours": CurveKind(
      topic: .learning, title: "Neighbors of the same class",
      meaning: "The share of the neighbors that the loss takes as partners and that share the "
        + "picture's class; labels only look on.",
      expectation: "It rises far above the share that random partners would have."),
    "random_neighbours": CurveKind(
      topic: .learning, title: "Partners at random",
      meaning: "The share of partners of the same class if they were drawn at random.",
      expectation: "It is flat: something to compare with."),
    "agreement": CurveKind(
      topic: .learning, title: "Agreement of pixels",
      meaning: "The mean cosine of the same place in two views.",
      expectation: "It rises towards 1, while the spread of the pixels stays above its line.",
      shown: [1]),
    "pixel_loss": CurveKind(
      topic: .learning, title: "Loss of the pixels",
      meaning: "The part of the loss that compares places.",
      expectation: "It falls fast at first, then slowly."),
    "instance_loss": CurveKind(
      topic: .learning, title: "Loss of whole pictures",
      meaning: "The part of the loss that compares pictures.",
      expectation: "It falls fast at first, then slowly."),
    "positive_pairs": CurveKind(
      topic: .learning, title: "Pairs of places",
      meaning: "How many pairs of places in two views show the same part of a picture.",
      expectation: "It moves about one level, which the crops decide.", shown: [0]),
    "positive_share": CurveKind(
      topic: .learning, title: "Share of such pairs",
      meaning: "The share of all pairs of places that show the same part of a picture.",
      expectation: "It moves about one level, which the crops decide.", shown: [0]),
    "images_per_second": CurveKind(
      topic: .pace, title: "Images per second",
      meaning: "The pace of the training, averaged over the run so far.",
      expectation: "It is flat after the first steps. One that falls says that something "
        + "else uses the machine.", shown: [0]),
    "wait_share": CurveKind(
      topic: .pace, title: "Time waiting for data",
      meaning: "The share of a step's time that it waits for pictures to be read and drawn.",
      expectation: "It is near zero. A large share says that the files or the augmentations are "
        + "the bottleneck, not the network.", shown: [0]),
  ]
}
