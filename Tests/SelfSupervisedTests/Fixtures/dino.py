"""Losses, gradients and traces of DINO by lightly, with and without local views.

    python dino.py <folder>

writes dino.safetensors, dino-crops.safetensors, dino-norm.safetensors, dino-losses.json and dino-traces.json there.

Made with torch 2.15, torchvision 0.29, lightly 1.6.0 on one thread. Weights and views come from
formula.py; only results are stored, as digests. Head and loss are lightly's, the head's last layer under
the name "prototypes". The target begins with other numbers than the network, and follows with a decay of
0.99; its temperature rises from 0.04 to 0.07 over 100 steps.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step, worst gradient: dino 3.4e-6, with crops 4.8e-6, with batch norm 7.8e-6 of its norm;
- the losses of 200 steps of Adam: 2.9e-7 and 2.3e-7 with crops in the first 10 steps, 6.7e-5 and 1.1e-4
  anywhere, 5.4e-6 and 1.5e-5 in the mean of the last 20.
"""

import json
import pathlib
import sys

import torch
from lightly.loss import DINOLoss
from lightly.models.modules.heads import DINOProjectionHead
from torch import nn

from reference import SmallResNet, features, fill, formula, one_step, trace

PROTOTYPES, LOCAL = 40, (2, 8)


class Prototypes(nn.Module):
    """The numbers of a head's last layer under one name."""

    def __init__(self, head):
        super().__init__()
        self.weight = head.last_layer.weight_v


class DINO:
    def __init__(self, dtype, batch_norm=False):
        self.step = 0
        # A layer of torch's weight_norm cannot be copied.
        self.target = self.filled("target.", dtype, batch_norm)
        self.net, self.head = self.filled("", dtype, batch_norm)
        self.parts = self.modules(self.net, self.head)
        self.kept = [("net", self.net), ("projector", self.head.layers),
                     ("target.net", self.target[0]), ("target.projector", self.target[1].layers)]
        self.criterion = DINOLoss(PROTOTYPES).to(dtype)

    @staticmethod
    def filled(prefix, dtype, batch_norm):
        net = SmallResNet()
        head = DINOProjectionHead(net.fc.in_features, 64, 32, PROTOTYPES, batch_norm)
        for name, module in DINO.modules(net, head):
            module.to(dtype), fill(module, f"{prefix}{name}.")
        return net, head.to(dtype)

    @staticmethod
    def modules(net, head):
        return [("net", net), ("projector", head.layers), ("prototypes", Prototypes(head))]

    def loss(self, *views):
        net, head = self.target
        with torch.no_grad():
            targets = [head(features(net, x)) for x in views[:2]]
        outputs = [self.head(features(self.net, x)) for x in views]
        temperature = 0.04 + 0.03 * min(self.step, 100) / 100
        return self.criterion(targets, outputs, teacher_temp=temperature)

    @torch.no_grad()
    def update(self, decay=0.99):
        for mine, theirs in zip((self.net, self.head), self.target):
            for new, old in zip(mine.parameters(), theirs.parameters()):
                old.data = old.data * decay + (1 - decay) * new.data
        self.step += 1


def losses():
    """lightly's own loss of outputs, its gradient, and its center afterwards."""
    found = {}
    for count, width, local in ((6, 5, 0), (4, 9, 1), (5, 11, 3)):
        name = f"{count}x{width}x{local}"
        numbers = formula.centred(f"dino/{name}", (4 + local) * count * width)
        rows = 0.5 * torch.from_numpy(numbers).double().reshape(4 + local, count, width)
        outputs = rows[2:].clone().requires_grad_()
        criterion = DINOLoss(width).double()
        loss = criterion(list(rows[:2]), list(outputs))
        loss.backward()
        found[name] = {"loss": loss.item(), "gradient": outputs.grad.flatten().tolist(),
                       "center": criterion.center.flatten().tolist()}
    return found


def main(folder):
    kinds = {"dino": (0, 0), "dino-crops": LOCAL}
    (folder / "dino-losses.json").write_text(json.dumps(losses()))
    for name, local in kinds.items():
        one_step(DINO, folder / f"{name}.safetensors", whole=False, local=local)
    one_step(lambda dtype: DINO(dtype, True), folder / "dino-norm.safetensors", whole=False)
    traces = {name: trace(name, DINO, 200, count=24, local=local) for name, local in kinds.items()}
    (folder / "dino-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
