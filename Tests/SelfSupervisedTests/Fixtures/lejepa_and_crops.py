"""Losses, gradients and traces of LeJEPA by lightly, and of BYOL and SimCLR with local views.

    python lejepa_and_crops.py <folder>

writes lejepa.safetensors, lejepa-crops.safetensors, byol-crops.safetensors, simclr-crops.safetensors,
lejepa-losses.json and crops-traces.json there.

Made with torch 2.15, torchvision 0.29, lightly 1.6.0 on one thread. Weights and views come from
formula.py; only results are stored, as digests. LeJEPA is lightly's head, SIGReg and invariance; the
directions of a step are those of the package's random stream, which `philox` below draws too.

There is no code of lightly for BYOL and SimCLR with local views. Theirs are summed over pairs as in its
DINO loss: each large view, of the target where there is one, with every other view, and the mean of that;
BYOL's is twice the mean, which is its own sum where there are two views.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step, worst gradient: lejepa 5.4e-6, with crops 7.8e-6, byol-crops 4.4e-6, simclr-crops 3.9e-6 of its
  norm;
- the losses of 200 steps of Adam in that order: at most 1.9e-7, 1.2e-7, 4.3e-7 and 1.8e-6 in the first 10
  steps; 2.2e-2, 1.2e-2, 5.9e-3 and 5.7e-3 anywhere; 3.6e-3, 2.3e-4, 2.8e-4 and 9.6e-5 in the mean of the
  last 20.
"""

import copy
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from lightly.loss import NTXentLoss
from lightly.loss.lejepa_loss import SIGReg, lejepa_invariance_loss
from lightly.models.modules.heads import LeJEPAProjectionHead, SimCLRProjectionHead

from reference import SmallResNet, adam, features, fill, formula, mlp, one_step, trace

SLICES, SEED = 48, 7
LOCAL = (2, 8)


def philox(first, second, key):
    """Ten rounds of Philox 4x32 on counters of two 64-bit halves: two 64-bit numbers each."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    c = [first & low, first >> half, second & low, second >> half]
    k = [np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32)]
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> half) ^ c[1] ^ k[0], b & low, (a >> half) ^ c[3] ^ k[1], a & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return c[0] | c[1] << half, c[2] | c[3] << half


def directions(step, width, count, dtype):
    """The unit vectors that RandomSlices draws in a step, as columns."""
    one, other = philox(np.uint64([step]), np.uint64([1 << 63]), SEED)
    key = int(one[0]) ^ int.from_bytes(int(other[0]).to_bytes(8, "little"), "big")
    numbers = np.arange(width * count, dtype=np.uint64)
    bits = philox(numbers, np.zeros_like(numbers), key)
    u, v = ((b >> np.uint64(40)).astype(np.float64) * 2.0**-24 for b in bits)
    normal = np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)
    slices = torch.from_numpy(normal.reshape(width, count)).to(dtype)
    return slices / slices.norm(dim=0)


class Learner:
    target = None

    def fill(self, dtype):
        for name, module in self.modules():
            module.to(dtype), fill(module, f"{name}.")
        self.parts = self.modules()
        self.kept = [part for part in self.parts if part[0] != "predictor"]

    def project(self, x):
        return self.projector(features(self.net, x))

    def update(self):
        pass


class LeJEPA(Learner):
    def __init__(self, dtype):
        self.net, self.step = SmallResNet(), 0
        self.projector = LeJEPAProjectionHead(self.net.fc.in_features, 64, 32).layers
        self.fill(dtype)
        self.sigreg = SIGReg(num_vectors=SLICES).to(dtype)
        # In double precision the numbers of the grid are those of single precision.
        self.sigreg._generate_unit_vectors = lambda device, dtype, width: directions(
            self.step, width, SLICES, dtype)

    def modules(self):
        return [("net", self.net), ("projector", self.projector)]

    def loss(self, *views):
        z = torch.stack([self.project(x) for x in views])
        return 0.05 * self.sigreg(z) + 0.95 * lejepa_invariance_loss(
            all_proj=z, global_proj=z[:2])

    def update(self):
        self.step += 1


class SimCLR(Learner):
    def __init__(self, dtype):
        self.net = SmallResNet()
        self.projector = SimCLRProjectionHead(self.net.fc.in_features, 64, 32).layers
        self.fill(dtype)
        self.criterion = NTXentLoss(temperature=0.5)

    def modules(self):
        return [("net", self.net), ("projector", self.projector)]

    def loss(self, *views):
        z = [self.project(x) for x in views]
        pairs = [(z[0], z[1])] + [(z[g], other) for g in (0, 1) for other in z[2:]]
        return sum(self.criterion(a, b) for a, b in pairs) / len(pairs)


class BYOL(Learner):
    def __init__(self, dtype):
        self.net = SmallResNet()
        self.projector, self.predictor = mlp(self.net.fc.in_features, 64, 32), mlp(32, 64, 32)
        for name, module in self.modules()[:2]:
            module.to(dtype), fill(module, f"target.{name}.")
        self.target = copy.deepcopy((self.net, self.projector))
        self.fill(dtype)
        self.kept += [("target.net", self.target[0]), ("target.projector", self.target[1])]

    def modules(self):
        return [("net", self.net), ("projector", self.projector), ("predictor", self.predictor)]

    def loss(self, *views):
        p = [self.predictor(z) for z in [self.project(x) for x in views]]
        net, projector = self.target
        with torch.no_grad():
            t = [projector(features(net, x)) for x in views[:2]]
        pairs = [(p[v], t[g]) for g in (0, 1) for v in range(len(views)) if v != g]
        return 2 * sum(2 - 2 * F.cosine_similarity(a, b, dim=1).mean() for a, b in pairs) / len(pairs)

    @torch.no_grad()
    def update(self, decay=0.99):
        for mine, theirs in zip((self.net, self.projector), self.target):
            for new, old in zip(mine.parameters(), theirs.parameters()):
                old.data = old.data * decay + (1 - decay) * new.data


def losses():
    """lightly's own SIGReg and its gradient, at shapes with more rows or more features."""
    found = {}
    for count, size, slices in ((6, 4, 5), (33, 8, 40), (2, 3, 16), (64, 16, 17)):
        name = f"{count}x{size}x{slices}"
        z = torch.from_numpy(formula.centred(f"sigreg/{name}", count * size)).double()
        z = (2 * z.reshape(count, size)).requires_grad_()
        directions_ = torch.from_numpy(formula.centred(f"slices/{name}", size * slices)).double()
        directions_ = directions_.reshape(size, slices)
        sigreg = SIGReg(num_vectors=slices).double()
        # The numbers that single precision has rounded are made again.
        sigreg.t = torch.linspace(0, 3, 17, dtype=torch.float64)
        sigreg.phi = torch.exp(-sigreg.t.square() / 2)
        trapezoids = torch.full((17,), 2 * 3 / 16, dtype=torch.float64)
        trapezoids[[0, -1]] = 3 / 16
        sigreg.weights = trapezoids * sigreg.phi
        sigreg._generate_unit_vectors = lambda *_: directions_ / directions_.norm(dim=0)
        loss = sigreg(z)
        loss.backward()
        found[name] = {"loss": loss.item(), "gradient": z.grad.flatten().tolist()}
    return found


def main(folder):
    kinds = {"lejepa": (LeJEPA, (0, 0)), "lejepa-crops": (LeJEPA, LOCAL),
             "byol-crops": (BYOL, LOCAL), "simclr-crops": (SimCLR, LOCAL)}
    (folder / "lejepa-losses.json").write_text(json.dumps(losses()))
    for name, (make, local) in kinds.items():
        one_step(make, folder / f"{name}.safetensors", whole=False, local=local)
    traces = {name: trace(name, make, 200, count=24, local=local)
              for name, (make, local) in kinds.items()}
    (folder / "crops-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
