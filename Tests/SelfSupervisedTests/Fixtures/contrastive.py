"""Losses, gradients and traces of SimCLR and NNCLR, by lightly 1.6.0 and by plain PyTorch.

    python contrastive.py <folder>     writes simclr-*, nnclr-* and contrastive-* there

Made with torch 2.15 and lightly 1.6.0 on one thread. What each fixture is of:
- simclr-lightly: lightly's two-layer projector and NTXentLoss; each view on its own;
- simclr-decoupled: the same with lightly's DCLLoss;
- simclr-plain: solo-learn's projector, which has no norm, with lightly's NTXentLoss;
- simclr-google: the three-layer projector of Google's code and AI Summer's formula, both views as one
  batch;
- nnclr-paper: lightly's NNCLR heads and the loss of the paper as solo-learn has it;
- nnclr-keras: the four terms and the measures of the Keras example, in PyTorch and NumPy, with the mean
  where the example differentiates the sum.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step, worst gradient: 8.4e-6 of its norm;
- the losses of 200 steps of Adam at 1e-4, simclr-lightly, -decoupled, -google, nnclr-paper, -keras: at
  most 1.4e-7, 5.2e-7, 5.8e-6, 3.8e-7 and 5.5e-7 in the first 10 steps; 4.1e-4, 3.8e-3, 6.6e-3, 3.0e-2
  and 2.3e-2 anywhere; 1.2e-5, 6.0e-4, 7.7e-4, 5.0e-3 and 2.2e-3 in the mean of the last 20. Faster
  steps lead further apart: of SGD at 0.02 with momentum the first ten losses are 1e-1 away.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from lightly.loss import DCLLoss, NTXentLoss
from lightly.models.modules.heads import (
    NNCLRPredictionHead, NNCLRProjectionHead, SimCLRProjectionHead)
from torch import nn

from reference import SmallResNet, adam, digest, features, fill, formula, one_step, trace

QUEUE = 48  # no multiple of the batches of 8 and 32


def ai_summer(first, second, temperature):
    """-log(exp(positive / t) / sum of exp(others / t)) for each of the 2N views, summed, over 2N."""
    count = len(first)
    z = torch.cat([F.normalize(first, dim=1), F.normalize(second, dim=1)])
    similarity = F.cosine_similarity(z[:, None], z[None], dim=2)
    positive = torch.cat([torch.diag(similarity, count), torch.diag(similarity, -count)])
    others = (1 - torch.eye(2 * count, dtype=z.dtype)) * torch.exp(similarity / temperature)
    return -torch.log(torch.exp(positive / temperature) / others.sum(1)).sum() / (2 * count)


class SimCLR:
    def __init__(self, kind, dtype):
        self.kind, self.net = kind, SmallResNet()
        width = self.net.fc.in_features
        if kind == "google":
            self.projector = nn.Sequential(
                nn.Linear(width, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
                nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
                nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32))
            self.projector[-1].bias.requires_grad_(False)
        elif kind == "plain":
            self.projector = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32))
        else:
            self.projector = SimCLRProjectionHead(width, 64, 32).layers
        self.parts = self.kept = prepared([("net", self.net), ("projector", self.projector)], dtype)

    def loss(self, first, second):
        if self.kind == "google":
            z = self.projector(features(self.net, torch.cat([first, second])))
            return ai_summer(*z.chunk(2), temperature=0.1)
        z = [self.projector(features(self.net, x)) for x in (first, second)]
        return (DCLLoss(0.1) if self.kind == "decoupled" else NTXentLoss(0.5))(*z)

    def update(self):
        pass


class NNCLR:
    def __init__(self, kind, dtype):
        self.kind, self.net = kind, SmallResNet()
        width = self.net.fc.in_features
        if kind == "paper":
            self.projector = NNCLRProjectionHead(width, 64, 32).layers
            self.predictor = NNCLRPredictionHead(32, 64, 32).layers
        else:
            self.projector = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32))
            self.predictor = None
        self.kept = [("net", self.net), ("projector", self.projector)]
        self.parts = self.kept + ([("predictor", self.predictor)] if self.predictor else [])
        prepared(self.parts, dtype)
        rows = torch.from_numpy(formula.centred("queue", QUEUE * 32).reshape(QUEUE, 32))
        self.queue = F.normalize(rows.to(dtype), dim=1)
        self.position = 0

    def nearest(self, z):
        return self.queue[(z @ self.queue.T).argmax(1)]

    def loss(self, first, second):
        f = [features(self.net, x) for x in (first, second)]
        z = [self.projector(x) for x in f]
        unit = [F.normalize(x, dim=1) for x in z]
        found = [self.nearest(x.detach()) for x in unit]
        labels = torch.arange(len(first))
        if self.kind == "paper":
            p = [F.normalize(self.predictor(x), dim=1) for x in z]
            term = lambda n, p: F.cross_entropy(n @ p.T / 0.1, labels)  # noqa: E731
            loss = term(found[0], p[1]) / 2 + term(found[1], p[0]) / 2
        else:
            stand = [u + (n - u).detach() for u, n in zip(unit, found)]
            forward = [stand[0] @ unit[1].T / 0.1, stand[1] @ unit[0].T / 0.1]
            back = [unit[1] @ stand[0].T / 0.1, unit[0] @ stand[1].T / 0.1]
            loss = F.cross_entropy(torch.cat(forward + back), labels.repeat(4))
        self.others = {"matches": torch.tensor(matches(*[x.detach().numpy() for x in f]))}
        places = (self.position + np.arange(len(first))) % QUEUE
        self.queue = self.queue.clone()
        self.queue[places] = unit[0].detach()
        self.position = int(places[-1] + 1) % QUEUE
        self.others["queue"] = self.queue
        return loss

    def update(self):
        pass


def matches(first, second):
    """Contrastive and correlation accuracy of features, as Keras's metrics count them."""
    norm = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    scale = lambda x: (x - x.mean(0)) / x.std(0)  # noqa: E731
    similarity = norm(first) @ norm(second).T
    correlation = scale(first).T @ scale(second) / len(first)
    return [
        float(np.mean([(m.argmax(1) == np.arange(len(m))).mean() for m in (matrix, matrix.T)]))
        for matrix in (similarity, correlation)]


def prepared(parts, dtype):
    for name, module in parts:
        module.to(dtype)
        fill(module, name + ".")
    return parts


def losses():
    """Values and gradients, in double precision, of projections of several counts and sizes."""
    cases = []
    for count, size, temperature in ((2, 3, 0.5), (5, 7, 0.1), (16, 32, 0.07), (33, 8, 0.01)):
        rows = [
            torch.from_numpy(formula.centred(f"rows{count}/{n}", count * size).reshape(count, size))
            .double().requires_grad_() for n in (1, 2)]
        case = {"count": count, "size": size, "temperature": temperature}
        for name, loss in (
                ("lightly", NTXentLoss(temperature)), ("decoupled", DCLLoss(temperature)),
                ("aiSummer", lambda *z: ai_summer(*z, temperature))):
            value = loss(*rows)
            gradients = torch.autograd.grad(value, rows)
            case[name] = {"value": value.item(), "gradients": [digest(g).tolist() for g in gradients]}
        cases.append(case)
    return cases


def main(folder):
    makers = {f"simclr-{kind}": lambda dtype, kind=kind: SimCLR(kind, dtype)
              for kind in ("lightly", "decoupled", "google")}
    makers |= {f"nnclr-{kind}": lambda dtype, kind=kind: NNCLR(kind, dtype)
               for kind in ("paper", "keras")}
    for name, make in makers.items():
        one_step(make, folder / f"{name}.safetensors", whole=False)
    one_step(lambda dtype: SimCLR("plain", dtype), folder / "simclr-plain.safetensors", whole=False)
    # The predictor's first norm takes this bias away again, so that Adam would make whole steps of the
    # rounding of a gradient that is zero, and the neighbours would follow.
    def steady(dtype):
        learner = NNCLR("paper", dtype)
        learner.projector[7].bias.requires_grad_(False)
        return learner

    makers["nnclr-paper"] = steady
    traces = {name: trace(name, make, 200, optimizer=lambda parameters: adam(parameters, 1e-4))
              for name, make in makers.items()}
    (folder / "contrastive-traces.json").write_text(json.dumps(traces))
    (folder / "contrastive-losses.json").write_text(json.dumps(losses()))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
