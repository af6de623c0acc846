"""Losses, gradients and traces of MoCo v2, Barlow Twins and VICReg, by plain PyTorch and by lightly.

    python contrast_and_redundancy.py <folder>

writes moco.safetensors, moco-symmetric.safetensors, barlow-twins.safetensors, vicreg.safetensors,
contrast-and-redundancy-traces.json and contrast-and-redundancy-losses.json there.

Made with torch 2.15, torchvision 0.29, lightly 1.6.0 on one thread. Weights, views and queues come from
formula.py; only results are stored, as digests: those of one step and of the losses in double precision,
the traces in single.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step, worst gradient: moco 3.7e-6, symmetric 3.3e-6, Barlow Twins 1.1e-5, VICReg 8.5e-6 of its
  norm;
- the losses of 200 steps of Adam in the same order: at most 1.5e-7, 1.1e-7, 6.1e-7 and 2.8e-7 in the
  first 10 steps; 3.3e-3, 2.9e-3, 4.2e-3 and 5.8e-3 anywhere; 8.4e-4, 3.6e-5, 8.7e-4 and 1.1e-3 in the
  mean of the last 20. Barlow Twins goes at a third of the others' rate: at 3e-4 its single precision is
  1e-4 from its double in the first 10 steps already, and 2e-2 at the end.
"""

import copy
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from lightly.loss import BarlowTwinsLoss, NTXentLoss, VICRegLoss
from safetensors.torch import save_file
from torch import nn

from reference import SmallResNet, features, fill, formula, view

torch.set_num_threads(1)


def rows(name, count, size, dtype):
    values = torch.from_numpy(formula.centred(name, count * size)).reshape(count, size)
    return values.to(dtype)


class MoCo:
    """One query encoder, one key encoder, a ring of keys; the second view is the key."""

    def __init__(self, dtype, symmetric, queue_size, prefilled):
        self.net = SmallResNet()
        width = self.net.fc.in_features
        self.projector = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 32))
        self.net.to(dtype), self.projector.to(dtype)
        fill(self.net, "target.net."), fill(self.projector, "target.projector.")
        self.target = copy.deepcopy((self.net, self.projector))
        fill(self.net, "net."), fill(self.projector, "projector.")
        self.symmetric, self.queue_size = symmetric, queue_size
        self.queue = torch.zeros(queue_size, 32, dtype=dtype)
        self.position, self.count = 0, 0
        if prefilled:
            self.queue = F.normalize(rows("queue", queue_size, 32, dtype), dim=1)
            self.count = queue_size
        self.new = []

    def parts(self):
        return [("net", self.net), ("projector", self.projector)]

    def contrast(self, im_q, im_k):
        q = F.normalize(self.projector(features(self.net, im_q)), dim=1)
        with torch.no_grad():
            net, projector = self.target
            k = F.normalize(projector(features(net, im_k)), dim=1)
        self.new.append(k)
        l_pos = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
        l_neg = torch.einsum("nc,kc->nk", q, self.queue[:self.count].clone())
        logits = torch.cat([l_pos, l_neg], dim=1) / 0.2
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))

    def loss(self, first, second):
        loss = self.contrast(first, second)
        return loss + self.contrast(second, first) if self.symmetric else loss

    @torch.no_grad()
    def update(self, decay=0.99):
        for mine, theirs in zip((self.net, self.projector), self.target):
            for new, old in zip(mine.parameters(), theirs.parameters()):
                old.data = old.data * decay + (1 - decay) * new.data
        for key in torch.cat(self.new):
            self.queue[self.position] = key
            self.position = (self.position + 1) % self.queue_size
            self.count = min(self.queue_size, self.count + 1)
        self.new = []


def off_diagonal(x):
    n = len(x)
    return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


class Redundancy:
    """Barlow Twins or VICReg, from the papers' pseudocode."""

    def __init__(self, dtype, vicreg):
        self.net, self.vicreg = SmallResNet(), vicreg
        width = self.net.fc.in_features
        self.projector = nn.Sequential(
            nn.Linear(width, 64, bias=vicreg), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Linear(64, 64, bias=vicreg), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Linear(64, 48, bias=False))
        self.net.to(dtype), self.projector.to(dtype)
        fill(self.net, "net."), fill(self.projector, "projector.")
        self.target = None

    def parts(self):
        return [("net", self.net), ("projector", self.projector)]

    def loss(self, first, second):
        a, b = (self.projector(features(self.net, x)) for x in (first, second))
        n, d = a.shape
        if not self.vicreg:
            a, b = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (a, b))
            c = a.T @ b / n
            return (c.diagonal() - 1).pow(2).sum() + 5e-3 * off_diagonal(c).pow(2).sum()
        close = F.mse_loss(a, b)
        a, b = a - a.mean(0), b - b.mean(0)
        hinge = sum(F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean() for z in (a, b)) / 2
        covariance = sum(off_diagonal(z.T @ z / (n - 1)).pow(2).sum() / d for z in (a, b))
        return 25 * close + 25 * hinge + covariance

    def update(self):
        pass


def make(kind, dtype, prefilled):
    if kind.startswith("moco"):
        size = 40 if prefilled else 100
        return MoCo(dtype, kind.endswith("symmetric"), size, prefilled)
    return Redundancy(dtype, kind == "vicreg")


def one_step(kind, path):
    kept, results = {}, {}
    for dtype in (torch.float32, torch.float64):
        learner = make(kind, dtype, prefilled=True)
        loss = learner.loss(view("step", 1, 8, 16, dtype), view("step", 2, 8, 16, dtype))
        loss.backward()
        results = {"loss": loss.detach().reshape(1)}
        for part, module in learner.parts():
            for name, parameter in module.named_parameters():
                if parameter.grad is not None:
                    kept.setdefault(f"{part}.{name}", []).append(parameter.grad.double())
                    results[f"gradient.{part}.{name}"] = torch.tensor(
                        formula.digest(parameter.grad.numpy()))
        modules = list(learner.parts())
        if learner.target:
            modules += [("target.net", learner.target[0]), ("target.projector", learner.target[1])]
        for part, module in modules:
            for name, buffer in module.named_buffers():
                if buffer.dtype.is_floating_point:
                    results[f"buffer.{part}.{name}"] = torch.tensor(formula.digest(buffer.numpy()))
        print(kind, dtype, loss.item())
    total = sum(b.norm() ** 2 for _, b in kept.values()) ** 0.5
    worst = max(((a - b).norm() / b.norm(), n) for n, (a, b) in kept.items()
                if b.norm() > 1e-6 * total)
    print("  gradients fp32 against fp64, worst:", worst)
    save_file({k: v.float() for k, v in results.items()}, path)


def trace(kind, dtype, steps=200):
    learner = make(kind, dtype, prefilled=False)
    parameters = [p for _, module in learner.parts() for p in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-4 if kind == "barlow-twins" else 3e-4)
    losses = []
    for step in range(steps):
        first, second = (view(f"trace{step}", n, 24, 16, dtype) for n in (1, 2))
        optimizer.zero_grad()
        loss = learner.loss(first, second)
        loss.backward()
        optimizer.step()
        learner.update()
        losses.append(loss.item())
    return losses


def lightly_losses():
    """lightly's own losses and their gradients, at shapes with more rows or more features."""
    found = {}
    for name, make_loss in (("barlowTwins", BarlowTwinsLoss), ("vicReg", VICRegLoss)):
        for count, size in ((6, 4), (4, 9), (32, 16), (2, 3)):
            a, b = (rows(f"{name}/{v}", count, size, torch.float64).requires_grad_() for v in "ab")
            loss = make_loss()(a, b)
            loss.backward()
            found[f"{name}/{count}x{size}"] = {
                "loss": loss.item(), "first": a.grad.flatten().tolist(),
                "second": b.grad.flatten().tolist()}
    for count, size, negatives in ((5, 6, 11), (3, 4, 1)):
        module = NTXentLoss(temperature=0.2, memory_bank_size=(negatives, size))
        module.memory_bank.bank = F.normalize(rows("bank", negatives, size, torch.float64), dim=1)
        q = rows("query", count, size, torch.float64).requires_grad_()
        loss = module(q, rows("key", count, size, torch.float64))
        loss.backward()
        found[f"momentumContrast/{count}x{size}x{negatives}"] = {
            "loss": loss.item(), "first": q.grad.flatten().tolist(), "second": []}
    return found


def main(folder):
    kinds = ("moco", "moco-symmetric", "barlow-twins", "vicreg")
    for kind in kinds:
        one_step(kind, folder / f"{kind}.safetensors")
    traces = {}
    for kind in kinds:
        losses, exact = trace(kind, torch.float32), trace(kind, torch.float64)
        off = [abs(a - b) / max(abs(b), 1e-9) for a, b in zip(losses, exact)]
        mean = abs(sum(losses[-20:]) / sum(exact[-20:]) - 1)
        print(kind, "trace:", losses[0], losses[1], losses[4], losses[-1], "fp32 against fp64: first 10",
              f"{max(off[:10]):.1e}", "worst", f"{max(off):.1e}", "last", f"{off[-1]:.1e}",
              "mean of the last 20", f"{mean:.1e}")
        traces[kind] = losses
    (folder / "contrast-and-redundancy-traces.json").write_text(json.dumps(traces))
    (folder / "contrast-and-redundancy-losses.json").write_text(json.dumps(lightly_losses()))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
