import Arguments
import SelfSupervised
import Training

extension Options {
  static var help: String {
    """
    usage: pretrain [command] [flags]

    \(Command.allCases.map { "  " + $0.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0) + $0.help }.joined(separator: "\n"))

    Trains a residual network on images without their labels and writes metrics.jsonl,
    backbone.safetensors and, every five minutes and at the end, checkpoint.safetensors and report.html,
    which shows in a browser what happened and whether to train longer; the last lines say so too, by
    measures that need no labels. Labels, where there are any, only evaluate the result: by the vote of
    the nearest neighbors, beside that of raw pixels and of the untrained network. Ctrl-C ends a run
    early and saves what there is; SIGUSR1 asks for a checkpoint.

    \(flags.help)

    Exit codes: 64 a wrong command line, 65 a training whose numbers are no longer finite, 66 missing or
    damaged data, 69 processes that cannot train together, 74 a file that cannot be written.
    """
  }

  static let flags = [
    Flag(
      "--data", "NAME",
      "fashion-mnist, shapes, or a directory with pictures (JPEG, PNG, WebP, TIFF, NumPy's .npy) or with "
        + "the files of MNIST, CIFAR-10 or STL-10; several times for several directories of pictures",
      standard: ImageSets.fashionName),
    Flag(
      "--labels", "FILE",
      "path,label lines for some of the pictures of --data: those evaluate, and all are trained on"),
    Flag(
      "--method", "NAME", MethodName.allCases.map(\.rawValue).joined(separator: ", "),
      standard: MethodName.simclr.rawValue),
    Flag(
      "--weights", "FILE",
      "begin with the weights of a file (.pth, .ckpt, .safetensors) of torchvision, timm, lightly, MoCo, "
        + "DINO, Lightning or this program; network, width and stem follow from it"),
    Flag(
      "--teacher", "FILE",
      "with --method distillation: the network to learn from, any file that --weights takes; its features "
        + "of all images are computed once and kept beside decoded pictures"),
    Flag(
      "--teacher-size", "PIXELS",
      "the height and width at which the teacher sees images; if not given, those that this program's "
        + "networks were trained for, and 224 for others"),
    Flag(
      "--local-views", "N",
      "small views of each image beside the two: "
        + MethodName.allCases.filter(\.takesLocalViews).map(\.rawValue).joined(separator: ", ")),
    Flag(
      "--local-size", "PIXELS",
      "their height and width; if not given, half of those of the views, 8 at least"),
    Flag(
      "--net", "NAME",
      NetworkName.allCases.map(\.rawValue).joined(separator: ", ")
        + "; resnet10 if neither this nor --weights says"),
    Flag("--width", "N", "channels of a resnet's first level; 16 if not given"),
    Flag(
      "--patch", "PIXELS",
      "side of a vision transformer's patches; if not given 4, 8 or 16, for about 8 along each side"
    ),
    Flag(
      "--stem", "NAME",
      "small (3x3, for images of about 32 pixels) or imagenet (7x7 and a max-pool); if not given, imagenet "
        + "for a --size of 96 pixels or more"),
    Flag(
      "--size", "PIXELS",
      "height and width of images as the network is to see them; what suits the data if not given"),
    Flag("--view-size", "PIXELS", "those of the views; a share of --size if not given"),
    Flag(
      "--crop", "SHARE",
      "the least share of an image that a view shows, 1 for all of it; what suits the data if not given"
    ),
    Flag(
      "--color", "STRENGTH",
      "how strongly views are recolored: 0 not at all, 1 as suits the data, 2 twice as strongly"),
    Flag("--images", "N", "train on the first N images only"),
    Flag(
      "--epochs", "N",
      "times to go through the images; what suits the data if neither this nor --steps nor --minutes says"
    ),
    Flag("--steps", "N", "steps to train, instead of --epochs"),
    Flag("--batch", "N", "images in a step; what suits the data and their number if not given"),
    Flag(
      "--optimizer", "NAME", "sgd, adam or adamw; what suits the data and the network if not given"),
    Flag(
      "--learning-rate", "RATE",
      "highest step size; if not given, what suits the data and the network, or 1e-3 for adam and adamw, 0.1 for sgd"
    ),
    Flag(
      "--convolution", "NAME", "automatic (the fastest way for each) or direct (no Winograd)",
      standard: "automatic"),
    Flag(
      "--precision", "NAME",
      "float32, or bfloat16, to which products and convolutions round where the processor multiplies it",
      standard: "float32"),
    Flag("--accumulate", "N", "batches whose gradients make one step", standard: "1"),
    Flag("--clip", "NORM", "scale gradients down to this norm where theirs is larger"),
    Flag(
      "--minutes", "M",
      "with neither --epochs nor --steps: as many steps as M minutes have room for, by the rate of a first few; with one of them: the end after M minutes, as by Ctrl-C"
    ),
    Flag(
      "--nonfinite", "NAME",
      "stop, and write what --replay needs, or skip a step whose loss or gradients are not finite",
      standard: "stop"),
    Flag("--checkpoint-every", "N", "write a checkpoint after every N steps, not every 5 minutes"),
    Flag(
      "--evaluate-every", "N",
      "evaluate after every N epochs, by labels too where there are any; one to eight times if not given"
    ),
    Flag(
      "--keep-best", "N",
      "with --evaluate-every: keep the N best networks, as best-epoch-3-knn-0.8310.safetensors; without "
        + "labels by view_neighbors"),
    Flag("--patience", "N", "with --evaluate-every: end after N evaluations without a rise"),
    Flag(
      "--set", "NAME=NUMBER",
      "another number of the recipe; several times for several: "
        + RecipeSetting.all.map(\.name).joined(separator: ", ")),
    Flag("--hard", "harder shapes: rotation, occlusion, noise"),
    Flag("--seed", "N", "what all randomness comes from", standard: "0"),
    Flag("--threads", "N", "threads to use; all cores if not given"),
    Flag("--out", "DIR", "where files are written; a new directory below runs/ if not given"),
    Flag("--overwrite", "replace the run that is in the directory of --out"),
    Flag(
      "--background", "NAME",
      "what shows through transparent pixels: white, black, or stored, the colors that files have there",
      standard: "white"),
    Flag(
      "--fit", "NAME",
      "crop, the middle square of each picture, or stretch, all of it, squeezed into a square",
      standard: "crop"),
    Flag(
      "--depth", "BITS",
      "8 or 16, which pictures keep of a value; if not given, 16 where a TIFF or .npy file has more than 8"
    ),
    Flag(
      "--range", "LOW,HIGH",
      "the values that become 0 and 1 in TIFF and .npy files, and in PNG files read at 16 bits; if not "
        + "given, 0,255 or 0,65535 by their type, and 0,1 for floats"),
    Flag(
      "--show-channels", "LIST",
      "the channel or three, counted from 0, that views and the report show of pictures; the first ones if "
        + "not given"),
    Flag("--no-exif", "take pictures as they are stored, not turned as cameras note it"),
    Flag(
      "--cache", "DIR",
      "where 1,000 decoded pictures or more are kept for the next run, or none; beside the run's directory"
    ),
    Flag(
      "--tensorboard",
      "also write numbers, views and features into the run's directory, for tensorboard --logdir"),
    Flag(
      "--views", "FILE", "draw eight images and two views of each, as .png or .ppm, and then train"),
    Flag("--no-report", "do not write report.html"),
    Flag(
      "--resume", "DIR",
      "go on with the run that wrote to DIR, with its flags; its length, rate and --clip may be other ones"
    ),
    Flag("--replay", "FILE", "run a step again that ended a run because something was not finite"),
    Flag("--help", "this text"),
  ]
}
