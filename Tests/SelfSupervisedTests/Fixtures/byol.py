"""Losses, gradients and traces of BYOL and SimSiam, by byol-pytorch 0.9.1 and by plain PyTorch.

    python byol.py <folder>        writes byol-*.safetensors and byol-traces.json there

Made with torch 2.15, torchvision 0.29, byol-pytorch 0.9.1 on one thread. Weights and views come from
formula.py; only results are stored: single precision's, and double precision's for ResNet-18.

How far single precision is from double in PyTorch itself, which bounds what a test may ask:
- one step of the small network, worst gradient: joint 3.7e-6, separate 5.6e-6, simplicial 2.3e-5,
  simsiam 1.9e-5 of its norm;
- one step of ResNet-18: joint 2.0e-3, separate 1.0e-2. Of its four million activations some are so near
  zero that rounding decides whether ReLU lets them through, and each brings or takes a whole gradient;
- the losses of 200 steps of Adam, joint, separate, simsiam: at most 4.7e-6, 8.2e-7 and 1.8e-5 in the
  first 10 steps; 9.2e-3, 5.3e-3 and 3.3e-2 anywhere; 8.8e-3, 2.0e-3 and 6.6e-3 in the last one.
"""

import copy
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from byol_pytorch import BYOL
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
import formula  # noqa: E402

torch.set_num_threads(1)


class SmallResNet(nn.Module):
    """One block a level, 3x3 stem, torchvision's names."""

    def __init__(self, width=6, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity()
        inputs = width
        for level in range(4):
            outputs, stride = width << level, 2 if level else 1
            down = None
            if stride != 1:
                down = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            block = nn.Sequential(BasicBlock(inputs, outputs, stride, down))
            setattr(self, f"layer{level + 1}", block)
            inputs = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def full_resnet18():
    net = resnet18()
    net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.maxpool = nn.Identity()
    return net


def fill(module, prefix):
    state = module.state_dict()
    for name, value in state.items():
        number = torch.from_numpy(formula.entry(name, tuple(value.shape), prefix))
        state[name] = number.to(value.dtype)
    module.load_state_dict(state)


def view(name, number, count, size, dtype):
    images = torch.from_numpy(formula.images(name, number, count, size, size, 3))
    return images.permute(0, 3, 1, 2).contiguous().to(dtype)


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def simsiam_heads(inputs, hidden, outputs):
    projector = nn.Sequential(
        nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, outputs, bias=False), nn.BatchNorm1d(outputs, affine=False))
    predictor = nn.Sequential(
        nn.Linear(outputs, outputs // 4, bias=False), nn.BatchNorm1d(outputs // 4), nn.ReLU(),
        nn.Linear(outputs // 4, outputs))
    return projector, predictor


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


def features(net, x):
    kept = []
    handle = net.avgpool.register_forward_hook(lambda *a: kept.append(a[2].flatten(1)))
    net(x)
    handle.remove()
    return kept[0]


class Separate:
    """Each view on its own, as DeepMind's code does; SimSiam when there is no target."""

    def __init__(self, net, hidden, size, dtype, simsiam=False):
        width = net.fc.in_features
        self.net = net
        if simsiam:
            self.projector, self.predictor = simsiam_heads(width, hidden, 32)
        else:
            self.projector, self.predictor = mlp(width, hidden, 32), mlp(32, hidden, 32)
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
    return Separate(net(), hidden, size, dtype, simsiam=kind == "simsiam")


def parts(learner):
    return [("net", learner.net), ("projector", learner.projector),
            ("predictor", learner.predictor)]


def one_step(kind, path, whole, net=SmallResNet, size=16, count=8, kept=torch.float32):
    """The loss, every gradient (whole, or as a digest) and the running statistics of one pass."""
    results, norms = {}, {}
    for dtype in (torch.float32, torch.float64):
        learner = make(kind, net, size=size, dtype=dtype)
        loss = learner.loss(view("step", 1, count, size, dtype), view("step", 2, count, size, dtype))
        loss.backward()
        found = {"loss": loss.detach().reshape(1)}
        for part, module in parts(learner):
            for name, parameter in module.named_parameters():
                if parameter.grad is None:
                    continue
                gradient = parameter.grad
                norms.setdefault(f"{part}.{name}", []).append(gradient.double())
                found[f"gradient.{part}.{name}"] = (
                    gradient if whole else torch.tensor(formula.digest(gradient.numpy())))
        modules = parts(learner)[:2]
        if learner.target:
            modules += [("target.net", learner.target[0]), ("target.projector", learner.target[1])]
        for part, module in modules:
            for name, buffer in module.named_buffers():
                if buffer.dtype.is_floating_point:
                    found[f"buffer.{part}.{name}"] = (
                        buffer if whole else torch.tensor(formula.digest(buffer.numpy())))
        if dtype == kept:
            results = {k: v.detach().float().contiguous().clone() for k, v in found.items()}
        print(kind, net.__name__, dtype, loss.item())
    total = sum(b.norm() ** 2 for _, b in norms.values()) ** 0.5
    worst = sorted(((a - b).norm() / b.norm(), n) for n, (a, b) in norms.items()
                   if b.norm() > 1e-6 * total)[-3:]
    print("  gradients fp32 against fp64, worst:", [(n, f"{e:.1e}") for e, n in worst],
          "zero:", [n for n, (a, b) in norms.items() if b.norm() <= 1e-6 * total])
    save_file(results, path)


def trace(kind, steps, count=32, size=16, dtype=torch.float32):
    learner = make(kind, size=size, dtype=dtype)
    parameters = [p for _, module in parts(learner) for p in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=3e-4)
    losses, digests = [], {}
    for step in range(steps):
        first, second = (view(f"trace{step}", n, count, size, dtype) for n in (1, 2))
        optimizer.zero_grad()
        loss = learner.loss(first, second)
        loss.backward()
        optimizer.step()
        learner.update()
        losses.append(loss.item())
        if step == 4 and learner.target:
            for part, module in zip(("net", "projector"), learner.target):
                for name, value in module.named_parameters():
                    digests[f"{part}.{name}"] = formula.digest(value.detach().numpy())
    return losses, digests


def main(folder):
    for kind in ("joint", "separate"):
        one_step(kind, folder / f"byol-{kind}.safetensors", whole=True)
    for kind in ("simplicial", "simsiam"):
        one_step(kind, folder / f"byol-{kind}.safetensors", whole=False)
    for kind in ("joint", "separate"):
        one_step(kind, folder / f"byol-{kind}-resnet18.safetensors", whole=False,
                 net=full_resnet18, size=32, kept=torch.float64)
    traces = {}
    for kind in ("joint", "separate", "simsiam"):
        losses, digests = trace(kind, 200)
        exact, _ = trace(kind, 200, dtype=torch.float64)
        off = [abs(a - b) / abs(b) for a, b in zip(losses, exact)]
        print(kind, "trace: loss", losses[0], losses[-1], "fp32 against fp64: first 10",
              f"{max(off[:10]):.1e}", "worst", f"{max(off):.1e}", "last", f"{off[-1]:.1e}")
        traces[kind] = {"losses": losses, "targetAfterFive": digests}
    (folder / "byol-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
