"""One training step: the same network, heads and loss as `benchmark step --method`, and Adam.

Everything is channels-last, Adam is fused and averages move by foreach, where the method's own
package does not do otherwise. With --compiled the encoders run under torch.compile, which needs a C++
compiler: with that it is the fastest step that was found for PyTorch.
"""

import copy
import statistics

import torch
import torchvision
from measuring import seconds, show


def add_flags(parser):
    parser.add_argument("--method", default="byol", choices=METHODS)
    parser.add_argument("--net", default="resnet18")
    parser.add_argument("--width", type=int, default=64, help="of resnet10 alone")
    parser.add_argument("--patch", type=int, default=16, help="of vision transformers alone, timm's")
    parser.add_argument("--stem", default="small", choices=["small", "imagenet"])
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--compiled", action="store_true")


def run(arguments):
    step = step_function(arguments)
    for _ in range(arguments.warmup):
        step()
    times = [seconds(step) * 1e3 for _ in range(arguments.steps)]
    median = statistics.median(times)
    show(
        method=arguments.method,
        ms_median=round(median, 1),
        ms_min=round(min(times), 1),
        images_per_second=round(arguments.batch / median * 1e3, 1),
        precision=arguments.precision,
        by="compiled" if arguments.compiled else "eager",
    )


def step_function(arguments):
    if arguments.net.startswith("vit-"):
        net, width = transformer(arguments.net, arguments.patch, arguments.size)
    else:
        net, width = network(arguments.net, arguments.stem, arguments.width)
    if arguments.compiled:
        net.compile()
    shape = (arguments.batch, 3, arguments.size, arguments.size)
    views = [torch.rand(shape).to(memory_format=torch.channels_last) for _ in range(2)]
    loss, trained, follow = METHODS[arguments.method](net, width, arguments.size)
    trained.to(memory_format=torch.channels_last)
    parameters = [p for p in trained.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=3e-4, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            value = loss(*views)
        value.backward()
        optimizer.step()
        follow()

    return step


def network(name, stem, width):
    if name == "resnet10":
        return resnet10(width), 8 * width
    net = getattr(torchvision.models, name)(weights=None)
    if stem == "small":
        net.conv1 = torch.nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
    width = net.fc.in_features
    net.fc = torch.nn.Identity()
    return net, width


def transformer(name, patch, size):
    from timm.models.vision_transformer import VisionTransformer

    width = {"vit-tiny": 192, "vit-small": 384, "vit-base": 768}[name]
    return VisionTransformer(
        img_size=size, patch_size=patch, embed_dim=width, num_heads=width // 64, num_classes=0), width


def resnet10(width):
    """A block of two convolutions at each level, and the small stem: torchvision has none."""
    layers = [torch.nn.Conv2d(3, width, 3, padding=1, bias=False), torch.nn.BatchNorm2d(width),
              torch.nn.ReLU(inplace=True)]
    inputs = width
    for level in range(4):
        outputs, stride = width << level, 1 if level == 0 else 2
        shortcut = None if level == 0 else torch.nn.Sequential(
            torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False), torch.nn.BatchNorm2d(outputs))
        layers.append(torchvision.models.resnet.BasicBlock(inputs, outputs, stride, shortcut))
        inputs = outputs
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


# A method makes, of a network, its features' width and the images' size, the loss of two views, a
# module that holds all parameters, and what happens after the optimizer's step.


def no_target():
    pass


def moving_average(online, decay):
    target = copy.deepcopy(online).to(memory_format=torch.channels_last).requires_grad_(False)
    if getattr(online[0], "_compiled_call_impl", None):
        target[0].compile()

    def follow():
        with torch.no_grad():
            torch._foreach_lerp_(
                list(target.parameters()), list(online.parameters()), 1 - decay)

    return target, follow


def byol(net, width, size):
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.modules import BYOLPredictionHead, BYOLProjectionHead

    online = torch.nn.Sequential(net, BYOLProjectionHead(width, 4096, 256))
    predictor = BYOLPredictionHead(256, 4096, 256)
    target, follow = moving_average(online, 0.99)
    criterion = NegativeCosineSimilarity()

    def loss(first, second):
        predictions = predictor(online(first)), predictor(online(second))
        with torch.no_grad():
            targets = target(first), target(second)
        return criterion(predictions[0], targets[1]) + criterion(predictions[1], targets[0])

    return loss, torch.nn.ModuleList([online, predictor]), follow


def byol_pytorch(net, width, size):
    from byol_pytorch import BYOL

    learner = BYOL(net, image_size=size, hidden_layer="avgpool", augment_fn=torch.nn.Identity(),
                   use_simplicial_embeddings=False)
    return lambda first, second: learner(first), learner, learner.update_moving_average


def simsiam(net, width, size):
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.modules import SimSiamPredictionHead, SimSiamProjectionHead

    online = torch.nn.Sequential(net, SimSiamProjectionHead(width, width, 256))
    predictor = SimSiamPredictionHead(256, 64, 256)
    criterion = NegativeCosineSimilarity()

    def loss(first, second):
        z0, z1 = online(first), online(second)
        return (criterion(predictor(z0), z1.detach()) + criterion(predictor(z1), z0.detach())) / 2

    return loss, torch.nn.ModuleList([online, predictor]), no_target


def simclr(net, width, size):
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead

    online = torch.nn.Sequential(net, SimCLRProjectionHead(width, width, 128))
    criterion = NTXentLoss(temperature=0.5)
    return lambda first, second: criterion(online(first), online(second)), online, no_target


def nnclr(net, width, size):
    from lightly.loss import NTXentLoss
    from lightly.models.modules import (
        NNCLRPredictionHead, NNCLRProjectionHead, NNMemoryBankModule)

    online = torch.nn.Sequential(net, NNCLRProjectionHead(width, 2048, 256))
    predictor = NNCLRPredictionHead(256, 4096, 256)
    bank = NNMemoryBankModule(size=(98_304, 256))
    criterion = NTXentLoss(temperature=0.1)

    def loss(first, second):
        z0, z1 = online(first), online(second)
        p0, p1 = predictor(z0), predictor(z1)
        n0, n1 = bank(z0.detach(), update=False), bank(z1.detach(), update=True)
        return (criterion(n0, p1) + criterion(n1, p0)) / 2

    return loss, torch.nn.ModuleList([online, predictor]), no_target


def moco(net, width, size):
    from lightly.loss import NTXentLoss
    from lightly.models.modules import MoCoProjectionHead

    online = torch.nn.Sequential(net, MoCoProjectionHead(width, width, 128))
    target, follow = moving_average(online, 0.999)
    criterion = NTXentLoss(temperature=0.2, memory_bank_size=(65_536, 128))

    def loss(first, second):
        with torch.no_grad():
            keys = target(second)
        return criterion(online(first), keys)

    return loss, online, follow


def barlow_twins(net, width, size):
    from lightly.loss import BarlowTwinsLoss
    from lightly.models.modules import BarlowTwinsProjectionHead

    online = torch.nn.Sequential(net, BarlowTwinsProjectionHead(width, 8192, 8192))
    criterion = BarlowTwinsLoss()
    return lambda first, second: criterion(online(first), online(second)), online, no_target


def vicreg(net, width, size):
    from lightly.loss import VICRegLoss
    from lightly.models.modules.heads import VICRegProjectionHead

    online = torch.nn.Sequential(net, VICRegProjectionHead(width, 8192, 8192))
    criterion = VICRegLoss()
    return lambda first, second: criterion(online(first), online(second)), online, no_target


def pixelcl(net, width, size):
    from pixel_level_contrastive_learning import PixelCL

    learner = PixelCL(net, image_size=size, hidden_layer_pixel="layer4",
                      hidden_layer_instance="avgpool", augment_fn=torch.nn.Identity())
    return lambda first, second: learner(first), learner, learner.update_moving_average


METHODS = {
    "byol": byol, "byol-pytorch": byol_pytorch, "simsiam": simsiam, "simclr": simclr,
    "nnclr": nnclr, "moco": moco, "barlow-twins": barlow_twins, "vicreg": vicreg,
    "pixelcl": pixelcl,
}
