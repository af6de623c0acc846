"""Updates of ResNet-50's parameters by torch's optimizers and lightly's LARS."""

import copy

import torch
import torchvision
from lightly.utils.lars import LARS
from measuring import median_seconds, show, start_afresh


def add_flags(parser):
    parser.add_argument("--repeats", type=int, default=15)


def run(arguments):
    for update, by, make in UPDATES:
        start_afresh()
        net = torchvision.models.resnet50(weights=None)
        for parameter in net.parameters():
            parameter.grad = 1e-3 * torch.randn_like(parameter)
        time = median_seconds(arguments.repeats, make(net))
        show(update=update, by=by, ms_median=round(time * 1e3, 2),
             parameters=sum(p.numel() for p in net.parameters()))


def sgd(**way):
    return lambda net: torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, **way).step


def adam(**way):
    return lambda net: torch.optim.Adam(net.parameters(), lr=1e-3, **way).step


def lars(net):
    return LARS(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-6).step


def moving_average(net):
    target = copy.deepcopy(net).requires_grad_(False)
    averages, values = list(target.parameters()), list(net.parameters())

    @torch.no_grad()
    def update():
        torch._foreach_lerp_(averages, values, 0.01)

    return update


UPDATES = [
    ("sgd", "fused", sgd(fused=True)),
    ("sgd", "foreach", sgd(foreach=True)),
    ("adam", "fused", adam(fused=True)),
    ("adam", "foreach", adam(foreach=True)),
    ("lars", "lightly", lars),
    ("moving-average", "foreach", moving_average),
]
