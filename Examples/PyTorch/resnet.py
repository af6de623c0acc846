"""The network in a file of pretrain or of ResNet.save, as torchvision's class.

    from resnet import load_resnet
    net, words = load_resnet("runs/1/backbone.safetensors")

Needs torch, torchvision and safetensors. Images are [count, channels, height, width] of values 0...1, as
they are: pretrain does not normalize.
"""

from functools import partial

from safetensors import safe_open
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

BLOCKS = {
    "resnet10": (BasicBlock, [1, 1, 1, 1]), "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]), "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]), "resnet152": (Bottleneck, [3, 8, 36, 3]),
}  # fmt: skip


def make_resnet(words, classes):
    """torchvision's class with the width, the stem and the norm that the words say."""
    block, counts = BLOCKS[words["network"]]
    kind, *groups = words["norm"].split()
    if kind == "group_standardized":
        raise ValueError("torchvision has no convolutions with standardized weights")
    norm = nn.BatchNorm2d if kind == "batch" else partial(nn.GroupNorm, int(groups[0]))
    width = int(words["width"])

    class Narrow(ResNet):
        # torchvision's own class begins with 64 channels, always.
        def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
            if planes == 64:
                self.inplanes = width
            return super()._make_layer(block, planes * width // 64, blocks, stride, dilate)

    # A bottleneck's width is planes * base width / 64, which the planes above have in them.
    net = Narrow(block, counts, num_classes=classes, norm_layer=norm)
    channels = int(words["input_channels"])
    if words["stem"] == "small":
        net.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        net.maxpool = nn.Identity()
    else:
        net.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
    net.bn1 = norm(width)
    net.fc = nn.Linear(width * 8 * block.expansion, classes)
    return net


def load_resnet(path, classes=None):
    """The network, whose classifier is new if the file has none of so many classes, and the file's words."""
    with safe_open(path, "pt") as file:
        words = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}
    own = len(state["fc.weight"]) if "fc.weight" in state else None
    net = make_resnet(words, classes or own or 1_000)
    if own != len(net.fc.weight):
        state = {name: value for name, value in state.items() if not name.startswith("fc.")}
        state.update({f"fc.{name}": value for name, value in net.fc.state_dict().items()})
    net.load_state_dict(state)
    return net, words
