"""Losses, gradients and traces of BYOL and SimSiam, by byol-pytorch 0.9.1 and by plain PyTorch.

    python byol.py <folder>        writes byol-*.safetensors and byol-traces.json there

Made with torch 2.15, torchvision 0.29, byol-pytorch 0.9.1 on one thread. Weights and views come from
formula.py; only results are stored: single precision's, and double precision's for ResNet-18.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step of the small network, worst gradient: joint 3.7e-6, separate 5.6e-6, simplicial 2.3e-5,
  normalized 5.7e-6, simsiam 1.9e-5 of its norm;
- one step of ResNet-18: joint 2.0e-3, separate 1.0e-2. Of its four million activations some are so near
  zero that rounding decides whether ReLU lets them through, and each brings or takes a whole gradient;
- the losses of 200 steps of Adam, joint, separate, simsiam: at most 4.7e-6, 8.2e-7 and 6.8e-6 in the
  first 10 steps; 9.2e-3, 5.3e-3 and 4.3e-3 anywhere; 8.8e-3, 2.0e-3 and 1.1e-3 in the last one.
"""

import copy
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from byol_pytorch import BYOL
from torch import nn

from reference import (
    SmallResNet, adam, features, fill, formula, full_resnet18, mlp, one_step, trace)


RATES = {"simsiam": 1e-4}      # at 3e-4 PyTorch is 3.3e-2 from itself at some step


def simsiam_heads(inputs, hidden, outputs):
    projector = nn.Sequential(
        nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, outputs, bias=False), nn.BatchNorm1d(outputs, affine=False))
    predictor = nn.Sequential(
        nn.Linear(outputs, outputs // 4, bias=False), nn.BatchNorm1d(outputs // 4), nn.ReLU(),
        nn.Linear(outputs // 4, outputs))
    return projector, predictor


def normalized_projector(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, outputs, bias=False), nn.BatchNorm1d(outputs, affine=False))


class Joint:
    """The real byol-pytorch, with views that come from outside."""

    def __init__(self, net, hidden, size, dtype, embedded=False):
        self.views = []
        give = lambda _: self.views.pop(0)  # noqa: E731
        self.views = [torch.randn(2, 3, size, size), torch.randn(2, 3, size, size)]
        self.byol = BYOL(
            net, size, hidden_layer="avgpool", projection_size=32, projection_hidden_size=hidden,
            augment_fn=give, augment_fn2=give, use_simplicial_embeddings=embedded)
        self.byol.to(dtype)
        self.net, self.predictor = net, self.byol.online_predictor
        self.projector = self.byol.online_encoder.projector
        fill(net, "target.net."), fill(self.projector, "target.projector.")
        self.byol.reset_moving_average()
        target = self.byol._get_target_encoder()
        self.target = (target.net, target.projector)
        fill(net, "net."), fill(self.projector, "projector."), fill(self.predictor, "predictor.")
        assert not [p for p in target.parameters() if p.requires_grad]

    def loss(self, first, second):
        self.views = [first, second]
        return self.byol(first)

    def update(self):
        self.byol.update_moving_average()


class Separate:
    """Each view on its own, as DeepMind's code does; SimSiam when there is no target."""

    def __init__(self, net, hidden, size, dtype, simsiam=False, normalized=False):
        width = net.fc.in_features
        self.net = net
        if simsiam:
            self.projector, self.predictor = simsiam_heads(width, hidden, 32)
        else:
            projector = normalized_projector if normalized else mlp
            self.projector, self.predictor = projector(width, hidden, 32), mlp(32, hidden, 32)
        for module in (self.net, self.projector, self.predictor):
            module.to(dtype)
        self.target = None
        if not simsiam:
            fill(net, "target.net."), fill(self.projector, "target.projector.")
            self.target = copy.deepcopy((self.net, self.projector))
        fill(net, "net."), fill(self.projector, "projector."), fill(self.predictor, "predictor.")

    def loss(self, first, second):
        project = lambda net, head, x: head(features(net, x))  # noqa: E731
        z = [project(self.net, self.projector, x) for x in (first, second)]
        p = [self.predictor(x) for x in z]
        with torch.no_grad():
            t = [project(*self.target, x) for x in (first, second)] if self.target else z
        cosine = lambda a, b: F.cosine_similarity(a, b.detach(), dim=1).mean()  # noqa: E731
        return (2 - 2 * cosine(p[0], t[1])) + (2 - 2 * cosine(p[1], t[0]))

    def update(self, decay=0.99):
        if not self.target:
            return
        for mine, theirs in zip((self.net, self.projector), self.target):
            for new, old in zip(mine.parameters(), theirs.parameters()):
                old.data = old.data * decay + (1 - decay) * new.data


def make(kind, net=SmallResNet, hidden=64, size=16, dtype=torch.float32):
    if kind in ("joint", "simplicial"):
        return Joint(net(), hidden, size, dtype, embedded=kind == "simplicial")
    return Separate(
        net(), hidden, size, dtype, simsiam=kind == "simsiam", normalized=kind == "normalized")


def complete(learner):
    """With the lists that reference.py reads."""
    learner.kept = [("net", learner.net), ("projector", learner.projector)]
    learner.parts = learner.kept + [("predictor", learner.predictor)]
    if learner.target:
        learner.kept = learner.kept + [
            ("target.net", learner.target[0]), ("target.projector", learner.target[1])]
    return learner


def main(folder):
    def maker(kind, **options):
        return lambda dtype: complete(make(kind, dtype=dtype, **options))

    for kind, whole in (
            ("joint", True), ("separate", True), ("simplicial", False), ("normalized", False),
            ("simsiam", False)):
        one_step(maker(kind), folder / f"byol-{kind}.safetensors", whole)
    for kind in ("joint", "separate"):
        one_step(maker(kind, net=full_resnet18, size=32),
                 folder / f"byol-{kind}-resnet18.safetensors", whole=False, size=32,
                 kept=torch.float64)
    traces = {}
    for kind in ("joint", "separate", "simsiam"):
        digests = {}

        def after(step, learner):
            if step == 4 and learner.target:
                for part, module in zip(("net", "projector"), learner.target):
                    for name, value in module.named_parameters():
                        digests[f"{part}.{name}"] = formula.digest(value.detach().numpy())

        losses = trace(kind, maker(kind), 200, after=after,
                       optimizer=lambda parameters: adam(parameters, RATES.get(kind, 3e-4)))
        traces[kind] = {"losses": losses, "targetAfterFive": digests}
    (folder / "byol-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
