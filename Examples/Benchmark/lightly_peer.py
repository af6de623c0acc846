"""lightly's side of `pretrain`: the same recipe, images and judge, with lightly's heads and losses.

Needs torch, torchvision, lightly and scikit-learn, and data that are there already: Fashion-MNIST from Debian's
package, the files that `swift run -c release ShapesToIDX DIRECTORY SEED` writes, or a directory with train/CLASS
and test/CLASS below it.

    python lightly_peer.py --data fashion-mnist --method byol
    python lightly_peer.py --data DIRECTORY --method byol --seed SEED
    python lightly_peer.py --data PICTURES --method simclr --minutes 5
    python lightly_peer.py --data fashion-mnist --method distillation --teacher-features FILE

What is the same: network, recipe, augmentations drawn per image, size of the heads, groups of the weight
decay, schedules, and a kNN of 20 neighbours at temperature 0.07. What is lightly's: the heads, the losses,
and that a target moves before a step's forward pass. Its losses of BYOL and SimSiam are a quarter of the
papers' 2 - 2 cos, so they are multiplied by 4, unless --loss-scale says otherwise. Distillation is lightly-train's
first one (0.18, of which only the file of the loss is read) from the features that `pretrain --method
distillation` kept. One JSON line at the end.
"""

import argparse
import copy
import gzip
import importlib.util
import json
import math
import os
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from lightly.loss import BarlowTwinsLoss, DINOLoss, NegativeCosineSimilarity, NTXentLoss, VICRegLoss
from lightly.loss.lejepa_loss import SIGReg, lejepa_invariance_loss
from lightly.models.modules import NNMemoryBankModule, heads
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import nn
from torchvision.models.resnet import BasicBlock

# Sources/Training/Recipes/Recipe.swift.
RECIPES = {
    "fashion-mnist": dict(
        epochs=3, batch=128, view=28, bank=10_000, rate=0.3, weight_decay=5e-4, warm_up=0.3,
        barlow_twins_share=1.0,
        outputs=128, hidden=1_024, normalizes=True, decay=0.95,
        crop=(0.3, 1.0), jitter=(0.6, 0.6, 0.0, 0.0), jitter_share=0.8, grey_share=0.0,
    ),
    "shapes": dict(
        epochs=4, batch=32, view=24, bank=2_000, rate=0.1, weight_decay=1e-6, warm_up=0.3,
        barlow_twins_share=0.003,
        outputs=256, hidden=2_048, normalizes=True, decay=0.95,
        crop=(0.6, 1.0), jitter=(0.8, 0.8, 0.8, 0.5), jitter_share=1.0, grey_share=0.5,
    ),
    # SimCLR's views for CIFAR-10, of the whole size, as a user of lightly takes them.
    "pictures": dict(
        epochs=10, batch=128, view=64, bank=10_000, rate=0.3, weight_decay=5e-4, warm_up=0.05,
        barlow_twins_share=0.1,
        outputs=128, hidden=1_024, normalizes=False, decay=0.95,
        crop=(0.2, 1.0), jitter=(0.4, 0.4, 0.4, 0.1), jitter_share=0.8, grey_share=0.2,
    ),
}

METHODS = ["byol", "simsiam", "simclr", "nnclr", "moco", "dino", "barlow-twins", "vicreg", "lejepa", "distillation"]
# The features of VICReg's, Barlow Twins' and LeJEPA's projections.
EXPANDED, CORRELATED, NORMAL = 1_024, 256, 64
QUEUE, SLOW_DECAY = 1_024, 0.99  # MoCo's; DINO has its decay too
PROTOTYPES, BOTTLENECK = 512, 256  # DINO's
ANCHORS = 8_192  # lightly-train's for 20,000 pictures and more
MOMENTUM = 0.9
SIMSIAM_SHARE = 0.125  # of the recipe's rate
NEIGHBOURS, TEMPERATURE = 20, 0.07


# The images


def idx(directory, start):
    """The array of the file whose name begins with `start`, plain or packed."""
    path = min(Path(directory).glob(start + "*"))
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    sizes = numpy.frombuffer(data, ">u4", count=data[3], offset=4)
    return torch.from_numpy(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).copy()).reshape(
        sizes.tolist()
    )


def load(directory, split):
    """Images [count, channels, height, width] of bytes, and labels."""
    if os.path.isdir(os.path.join(directory, "train")):
        return pictures(os.path.join(directory, "test" if split == "t10k" else "train"))
    images = idx(directory, f"{split}-images")
    images = images.permute(0, 3, 1, 2).contiguous() if images.dim() == 4 else images[:, None]
    return images, idx(directory, f"{split}-labels").long()


def pictures(directory, size=64):
    """Pictures in a directory for each class, their middle square at one size."""
    images, labels = [], []
    for label, name in enumerate(sorted(os.listdir(directory))):
        for file in sorted(os.listdir(os.path.join(directory, name))):
            picture = Image.open(os.path.join(directory, name, file)).convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
            scale = size / min(picture.size)
            picture = picture.resize([max(size, round(scale * side)) for side in picture.size], Image.BILINEAR)
            left, top = ((side - size) // 2 for side in picture.size)
            images.append(numpy.asarray(picture.crop((left, top, left + size, top + size))))
            labels.append(label)
    return torch.from_numpy(numpy.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


# The views: every image draws its own numbers


class Views:
    """Crops, flips and colours of a batch [count, channels, height, width] of values 0...1."""

    def __init__(self, recipe, random):
        self.recipe, self.random = recipe, random

    def __call__(self, images):
        images = self.cropped(images)
        chosen = self.coin(len(images), self.recipe["jitter_share"])
        images[chosen] = self.jittered(images[chosen])
        if images.shape[1] == 3:
            chosen = self.coin(len(images), self.recipe["grey_share"])
            images[chosen] = grey(images[chosen]).expand(-1, 3, -1, -1)
        return images

    def uniform(self, low, high, *shape):
        return low + (high - low) * torch.rand(shape, generator=self.random)

    def coin(self, count, share):
        return torch.rand(count, generator=self.random) < share

    def cropped(self, images):
        """torchvision's RandomResizedCrop and half of the views flipped, by two products of matrices."""
        count, _, height, width = images.shape
        tries = 10
        area = height * width * self.uniform(*self.recipe["crop"], count, tries)
        ratio = torch.exp(self.uniform(math.log(3 / 4), math.log(4 / 3), count, tries))
        heights = torch.sqrt(area / ratio).round()
        widths = torch.sqrt(area * ratio).round()
        fits = (heights <= height) & (widths <= width)
        # The first that fits; the whole of a square image if none does.
        first = fits.int().argmax(1, keepdim=True)
        found = fits.any(1)
        h = torch.where(found, heights.gather(1, first)[:, 0], torch.tensor(float(height)))
        w = torch.where(found, widths.gather(1, first)[:, 0], torch.tensor(float(width)))
        top = (self.uniform(0, 1, count) * (height - h + 1)).floor()
        left = (self.uniform(0, 1, count) * (width - w + 1)).floor()
        rows = tent(top, h, height, self.recipe["view"])
        columns = tent(left, w, width, self.recipe["view"])
        flipped = self.coin(count, 0.5)
        columns[flipped] = columns[flipped].flip(1)
        return rows[:, None] @ images @ columns.transpose(1, 2)[:, None]

    def jittered(self, images):
        brightness, contrast, saturation, hue = self.recipe["jitter"]
        changes = [(brightness, brighter), (contrast, contrasted)]
        if images.shape[1] == 3:
            changes += [(saturation, saturated), (hue, turned)]
        changes = [change for change in changes if change[0] > 0]
        count = len(images)
        factors = [
            self.uniform(-hue, hue, count, 1, 1, 1)
            if change is turned
            else self.uniform(max(0, 1 - strength), 1 + strength, count, 1, 1, 1)
            for strength, change in changes
        ]
        order = torch.rand(count, len(changes), generator=self.random).argsort(1)
        for place in range(len(changes)):
            for number, (_, change) in enumerate(changes):
                rows = (order[:, place] == number).nonzero()[:, 0]
                images[rows] = change(images[rows], factors[number][rows]).clamp_(0, 1)
        return images


def tent(starts, lengths, size, outputs):
    """Weights [count, outputs, size] that resize a part of a line, antialiased as in torchvision."""
    scale = (lengths / outputs)[:, None, None]
    reach = scale.clamp(min=1)
    places = torch.arange(size)[None, None] - starts[:, None, None]
    centres = (torch.arange(outputs)[None, :, None] + 0.5) * scale
    weights = (1 - (places + 0.5 - centres).abs() / reach).clamp(min=0)
    weights = weights * ((places >= 0) & (places < lengths[:, None, None]))
    return weights / weights.sum(2, keepdim=True)


def grey(images):
    return (images * torch.tensor([0.2989, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def brighter(images, factors):
    return images * factors


def contrasted(images, factors):
    means = (grey(images) if images.shape[1] == 3 else images).mean((1, 2, 3), keepdim=True)
    return torch.lerp(means, images, factors)


def saturated(images, factors):
    return torch.lerp(grey(images), images, factors)


def turned(images, turns):
    """A turn of the hue, by way of hue, saturation and value."""
    value, largest = images.max(1)
    spread = value - images.min(1).values
    red, green, blue = images.unbind(1)
    safe = spread.clamp(min=1e-12)
    sextant = torch.where(
        largest == 0,
        (green - blue) / safe,
        torch.where(largest == 1, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    angle = sextant + 6 * turns[:, 0]
    # Each channel is the value less a part of the spread that depends on the angle alone.
    channels = [(5 + angle) % 6, (3 + angle) % 6, (1 + angle) % 6]
    return torch.stack([value - spread * torch.minimum(k, 4 - k).clamp(0, 1) for k in channels], 1)


# The network and the methods


def distillation_loss():
    """lightly-train's, from its file, which needs none of the package's dependencies."""
    found = importlib.util.find_spec("lightly_train")
    if found is None:
        raise SystemExit("--method distillation needs lightly-train 0.18; pip install --no-deps lightly-train==0.18.0")
    path = Path(found.submodule_search_locations[0]) / "_methods" / "distillation" / "distillation_loss.py"
    spec = importlib.util.spec_from_file_location("distillation_loss", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DistillationLoss(temperature=0.07)


def taught_features(path, count):
    """The kept features of the first `count` images."""
    from safetensors.torch import load_file  # For this method alone.

    features = load_file(path)["features"]
    if len(features) < count:
        raise SystemExit(f"{path} has features of {len(features)} images; {count} are needed")
    return features[:count]


class ResNet10(nn.Module):
    """One basic block at each of four resolutions, behind a 3x3 stem."""

    def __init__(self, channels, width=16):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)
        )
        blocks, inputs = [], width
        for level in range(4):
            outputs = width << level
            shortcut = None
            if level > 0:
                shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs)
                )
            blocks.append(BasicBlock(inputs, outputs, stride=2 if level else 1, downsample=shortcut))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.width = inputs
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images):
        return self.blocks(self.stem(images)).mean((2, 3))


class Method(nn.Module):
    """lightly's heads and loss around a network; called with two views, it gives the loss.

    A distillation is called with one view and the teacher's features of its images.
    """

    def __init__(self, name, net, recipe, scale, taught=0):
        super().__init__()
        width, hidden, outputs = net.width, recipe["hidden"], recipe["outputs"]
        self.name, self.scale = name, scale
        self.predictor = self.target = None
        match name:
            case "byol":
                projector = heads.BYOLProjectionHead(width, hidden, outputs)
                if recipe["normalizes"]:
                    projector = nn.Sequential(projector, nn.BatchNorm1d(outputs, affine=False))
                self.predictor = heads.BYOLPredictionHead(outputs, hidden, outputs)
            case "simsiam":
                projector = heads.SimSiamProjectionHead(width, hidden, outputs)
                self.predictor = heads.SimSiamPredictionHead(outputs, outputs // 4, outputs)
            case "simclr":
                projector = heads.SimCLRProjectionHead(width, hidden, outputs)
            case "nnclr":
                projector = heads.NNCLRProjectionHead(width, hidden, outputs)
                self.predictor = heads.NNCLRPredictionHead(outputs, hidden, outputs)
                self.bank = NNMemoryBankModule(size=(4_096, outputs))
            case "moco":
                projector = heads.MoCoProjectionHead(width, hidden, outputs)
            case "dino":
                def head():
                    return heads.DINOProjectionHead(width, hidden, BOTTLENECK, PROTOTYPES, batch_norm=True)
                projector = head()
            case "barlow-twins":
                projector = heads.BarlowTwinsProjectionHead(width, CORRELATED, CORRELATED)
            case "vicreg":
                projector = heads.VICRegProjectionHead(width, EXPANDED, EXPANDED, num_layers=3)
            case "lejepa":
                projector = heads.LeJEPAProjectionHead(width, hidden, NORMAL)
            case "distillation":
                projector = nn.Linear(width, taught)
                nn.init.trunc_normal_(projector.weight, std=0.02)
                self.register_buffer("queue", torch.zeros(ANCHORS, taught))
        self.online = nn.Sequential(net, projector)
        if name in ("byol", "moco", "dino"):
            # A layer of torch's weight_norm cannot be copied.
            self.target = nn.Sequential(copy.deepcopy(net), head() if name == "dino" else copy.deepcopy(projector))
            self.target.load_state_dict(self.online.state_dict())
            deactivate_requires_grad(self.target)
        losses = {
            "byol": NegativeCosineSimilarity, "simsiam": NegativeCosineSimilarity,
            "simclr": lambda: NTXentLoss(temperature=0.2),
            "nnclr": lambda: NTXentLoss(temperature=0.2),
            "moco": lambda: NTXentLoss(temperature=0.2, memory_bank_size=(QUEUE, outputs)),
            "barlow-twins": BarlowTwinsLoss, "vicreg": VICRegLoss, "lejepa": SIGReg,
            "dino": lambda: DINOLoss(PROTOTYPES),
            "distillation": distillation_loss,
        }
        self.loss = losses[name]()
        # Its queue takes keys in at once: in one queue a query's own image would be among the negatives.
        self.other_loss = losses[name]() if name == "moco" else None

    def follow(self, decay):
        """Moves the target toward the network."""
        if self.target is not None:
            update_momentum(self.online, self.target, m=decay)

    def forward(self, first, second, *local):
        return self.scale * self.value(first, second, *local)

    def taught(self, view, features):
        """The loss of a student, whose teacher's features join the queue before."""
        features = F.normalize(features, dim=-1)
        self.queue = torch.cat([features, self.queue[: -len(features)]])
        student = F.normalize(self.online(view), dim=-1)
        return self.loss(teacher_features=features, student_features=student, queue=self.queue)

    def value(self, first, second, *local):
        if self.name == "distillation":
            return self.taught(first, second)
        projections = [self.online(first), self.online(second)]
        match self.name:
            case "simclr" | "barlow-twins" | "vicreg":
                return self.loss(*projections)
            case "lejepa":
                every = torch.stack(projections + [self.online(view) for view in local])
                invariance = lejepa_invariance_loss(all_proj=every, global_proj=every[:2])
                return 0.05 * self.loss(every) + 0.95 * invariance
            case "dino":
                with torch.no_grad():
                    targets = [self.target(first), self.target(second)]
                return self.loss(targets, projections)
            case "moco":
                with torch.no_grad():
                    keys = [self.target(first), self.target(second)]
                return self.loss(projections[0], keys[1]) + self.other_loss(projections[1], keys[0])
        predictions = [self.predictor(projection) for projection in projections]
        with torch.no_grad():
            if self.name == "byol":
                targets = [self.target(first), self.target(second)]
            else:
                targets = [projection.detach() for projection in projections]
            if self.name == "nnclr":
                targets = [self.bank(targets[0], update=False), self.bank(targets[1], update=True)]
        if self.name == "nnclr":
            losses = [self.loss(targets[0], predictions[1]), self.loss(targets[1], predictions[0])]
        else:
            losses = [self.loss(predictions[0], targets[1]), self.loss(predictions[1], targets[0])]
        return 0.5 * (losses[0] + losses[1])


# Training and judging


def optimizer(method, rate, weight_decay):
    """SGD that spares biases and norms the weight decay, and SimSiam's predictor the schedule."""
    exempt = {
        id(parameter)
        for layer in method.modules()
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
        for parameter in layer.parameters()
    }
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    exempt |= {id(parameter) for parameter in trained if parameter.dim() <= 1}
    fixed = {id(p) for p in method.predictor.parameters()} if method.name == "simsiam" else set()
    groups = [
        {
            "params": [
                p for p in trained if (id(p) in exempt) == is_exempt and (id(p) in fixed) == is_fixed
            ],
            "weight_decay": 0.0 if is_exempt else weight_decay, "is_fixed": is_fixed,
        }
        for is_fixed in (False, True) for is_exempt in (False, True)
    ]
    return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM)


def rate(step, steps, peak, warm_up):
    """A rise over a share of the steps and then half a cosine."""
    rise = int(warm_up * steps)
    if step < rise:
        return peak * (step + 1) / (rise + 1)
    return peak * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) / 2


@torch.no_grad()
def features(net, images, size):
    """What the network makes of whole images."""
    net.eval()

    def run(part):
        part = part.float() / 255
        if part.shape[2] != size:
            part = F.interpolate(part, size=(size, size), mode="bilinear")
        return net(part.to(memory_format=torch.channels_last))

    found = torch.cat([run(part) for part in images.split(256)])
    net.train()
    return found


def few_labels(net, bank, queries, size, count=10, draws=5):
    """The mean accuracy of classifiers that see so many labels of a class."""
    known, asked = features(net, bank[0], size), features(net, queries[0], size)
    mean, deviation = known.mean(0), known.std(0).clamp(min=1e-6)
    known, asked = (known - mean) / deviation, (asked - mean) / deviation
    accuracies = []
    for draw in range(draws):
        order = torch.randperm(len(known), generator=torch.Generator().manual_seed(draw))
        rows = torch.cat([order[bank[1][order] == label][:count] for label in bank[1].unique()])
        classifier = LogisticRegression(max_iter=100).fit(known[rows].numpy(), bank[1][rows].numpy())
        accuracies.append(classifier.score(asked.numpy(), queries[1].numpy()))
    return sum(accuracies) / draws


@torch.no_grad()
def knn(net, bank, queries, size):
    """The share of queries that the vote of their nearest neighbours classifies."""
    known, asked = (F.normalize(features(net, images, size)) for images in (bank[0], queries[0]))
    similarities = asked @ known.T
    nearest, places = similarities.topk(NEIGHBOURS)
    labels = bank[1][places]
    votes = torch.zeros(len(labels), int(bank[1].max()) + 1)
    votes.scatter_add_(1, labels, torch.exp(nearest / TEMPERATURE))
    return (votes.argmax(1) == queries[1]).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="fashion-mnist, a directory of ShapesToIDX or of pictures")
    parser.add_argument("--method", default="byol", choices=METHODS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float, help="as many steps as fit, instead of --steps")
    parser.add_argument("--view-size", type=int, help="the side of views; the recipe's if not given")
    parser.add_argument("--size", type=int, help="the side of whole images; that of views if not given")
    parser.add_argument("--brightness", type=float, help="and contrast: the strength in all views")
    parser.add_argument("--local-views", type=int, default=0, help="of an image, beside the two large ones; lejepa's")
    parser.add_argument("--local-size", type=int, default=12, help="the side of local views")
    parser.add_argument("--teacher-features", help="distillation's: the safetensors file that pretrain kept")
    parser.add_argument("--images", type=int)
    parser.add_argument("--loss-scale", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.local_views and options.method != "lejepa":
        parser.error(f"--local-views needs --method lejepa; got {options.method}")
    if (options.teacher_features is None) == (options.method == "distillation"):
        parser.error("--method distillation and --teacher-features FILE need each other")

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    is_fashion = options.data == "fashion-mnist"
    directory = "/usr/share/datasets/fashion-mnist" if is_fashion else options.data
    name = "pictures" if os.path.isdir(os.path.join(directory, "train")) else "shapes"
    name = "fashion-mnist" if is_fashion else name
    recipe = dict(RECIPES[name])
    recipe["view"] = options.view_size or recipe["view"]
    if options.brightness is not None:
        recipe.update(jitter=(options.brightness, options.brightness, *recipe["jitter"][2:]), jitter_share=1.0)
    size = options.size or recipe["view"]
    images, labels = load(directory, "train")
    bank = (images[: recipe["bank"]], labels[: recipe["bank"]])
    queries = tuple(part[:2_000] for part in load(directory, "t10k"))
    images = images[: options.images]

    net = ResNet10(images.shape[1])
    scale = options.loss_scale or (4.0 if options.method in ("byol", "simsiam") else 1.0)
    taught = taught_features(options.teacher_features, len(images)) if options.teacher_features else None
    taught_width = 0 if taught is None else taught.shape[1]
    method = Method(options.method, net, recipe, scale, taught_width).to(memory_format=torch.channels_last)
    untrained = knn(net, bank, queries, size)
    random = torch.Generator().manual_seed(options.seed)
    views = Views(recipe, random)
    small_views = Views(recipe | {"view": options.local_size, "crop": (0.05, 0.3)}, random)
    batch = recipe["batch"]
    batches = len(images) // batch
    steps = options.steps or (options.epochs or recipe["epochs"]) * batches
    # Until the first steps have said how many fit.
    steps = 10_000 if options.minutes else steps
    shares = {"simsiam": SIMSIAM_SHARE, "barlow-twins": recipe["barlow_twins_share"]}
    peak = recipe["rate"] * shares.get(options.method, 1)
    decay = SLOW_DECAY if options.method in ("moco", "dino") else recipe["decay"]
    descent = optimizer(method, peak, recipe["weight_decay"])

    start, smoothed, step = time.perf_counter(), None, 0
    # The first steps say how many fit; they are taken at the lowest rates and count.
    trial = 13
    while step < steps:
        if options.minutes and step == 3:
            measured = time.perf_counter()
        if options.minutes and step == trial:
            a_step = (time.perf_counter() - measured) / (trial - 3)
            steps = trial + int((options.minutes * 60 - (time.perf_counter() - start)) / a_step)
        if step % batches == 0:
            order = torch.randperm(len(images), generator=random)
        chosen = order[step % batches * batch :][:batch]
        originals = images[chosen].float() / 255
        # A student sees one view of each.
        seen = originals.clone() if taught is not None else torch.cat([originals, originals])
        pair = views(seen).to(memory_format=torch.channels_last)
        for group in descent.param_groups:
            if not group["is_fixed"]:
                group["lr"] = rate(step, steps, peak, recipe["warm_up"])
        method.follow(cosine_schedule(step, steps, decay, 1.0))
        local = [
            small_views(originals.clone()).to(memory_format=torch.channels_last) for _ in range(options.local_views)
        ]
        loss = method(pair[:batch], pair[batch:] if taught is None else taught[chosen], *local)
        descent.zero_grad(set_to_none=True)
        loss.backward()
        if options.method == "dino" and step < steps // 100:
            for parameter in method.online[1].last_layer.parameters():
                parameter.grad = None
        descent.step()
        smoothed = loss.item() if smoothed is None else 0.95 * smoothed + 0.05 * loss.item()
        if step % 100 == 0:
            print(f"step {step}/{steps}  loss {smoothed:.4f}", flush=True)
        step += 1
    seconds = time.perf_counter() - start
    result = {
        "method": options.method, "data": name,
        "knn": round(knn(net, bank, queries, size), 4),
        "ten_labels": round(few_labels(net, bank, queries, size), 4),
        "knn_random_encoder": round(untrained, 4), "loss": round(smoothed, 4), "steps": steps,
        "seconds": round(seconds, 1), "seed": options.seed, "loss_scale": scale,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
