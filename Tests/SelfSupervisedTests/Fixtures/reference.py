"""What the scripts that make fixtures of learners share: networks, numbers, one step and a trace.

Weights and views come from formula.py; only results are stored. A learner here has `parts`, a list of
(name, module) whose gradients count, `kept`, the same for running statistics, `loss(first, second)`, with
local views behind them if there are any, and `update()`.
"""

import pathlib
import sys

import torch
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


def views(name, count, size, dtype, local=(0, 0)):
    """Two large views, and local[0] further ones of the size local[1]."""
    large = [view(name, number, count, size, dtype) for number in (1, 2)]
    return large + [view(name, 3 + n, count, local[1], dtype) for n in range(local[0])]


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def features(net, x):
    kept = []
    handle = net.avgpool.register_forward_hook(lambda *a: kept.append(a[2].flatten(1)))
    net(x)
    handle.remove()
    return kept[0]


def digest(tensor):
    return torch.tensor(formula.digest(tensor.detach().numpy()))


def one_step(make, path, whole, size=16, count=8, kept=torch.float32, local=(0, 0)):
    """The loss, every gradient (whole, or as a digest) and the running statistics of one pass."""
    results, norms = {}, {}
    for dtype in (torch.float32, torch.float64):
        learner = make(dtype)
        loss = learner.loss(*views("step", count, size, dtype, local))
        loss.backward()
        found = {"loss": loss.detach().reshape(1)}
        for part, module in learner.parts:
            for name, parameter in module.named_parameters():
                if parameter.grad is None:
                    continue
                gradient = parameter.grad
                norms.setdefault(f"{part}.{name}", []).append(gradient.double())
                found[f"gradient.{part}.{name}"] = gradient if whole else digest(gradient)
        for part, module in learner.kept:
            for name, buffer in module.named_buffers():
                if buffer.dtype.is_floating_point:
                    found[f"buffer.{part}.{name}"] = buffer if whole else digest(buffer)
        found |= getattr(learner, "others", {})
        if dtype == kept:
            results = {k: v.detach().float().contiguous().clone() for k, v in found.items()}
        print(path.stem, dtype, loss.item())
    total = sum(b.norm() ** 2 for _, b in norms.values()) ** 0.5
    worst = sorted(((a - b).norm() / b.norm(), n) for n, (a, b) in norms.items()
                   if b.norm() > 1e-6 * total)[-3:]
    print("  gradients fp32 against fp64, worst:", [(n, f"{e:.1e}") for e, n in worst],
          "zero:", [n for n, (a, b) in norms.items() if b.norm() <= 1e-6 * total])
    save_file(results, path)


def adam(parameters, rate=3e-4):
    return torch.optim.Adam(parameters, lr=rate)


def run(make, steps, dtype, count, size, optimizer=adam, after=lambda step, learner: None,
        local=(0, 0)):
    """The losses of some steps of an optimizer."""
    learner = make(dtype)
    parameters = [p for _, module in learner.parts for p in module.parameters()]
    optimizer = optimizer(parameters)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = learner.loss(*views(f"trace{step}", count, size, dtype, local))
        loss.backward()
        optimizer.step()
        learner.update()
        losses.append(loss.item())
        after(step, learner)
    return losses


def trace(name, make, steps, count=32, size=16, **options):
    """The losses of single precision, after comparing them with those of double precision."""
    exact = run(make, steps, torch.float64, count, size, optimizer=options.get("optimizer", adam),
                local=options.get("local", (0, 0)))
    losses = run(make, steps, torch.float32, count, size, **options)
    off = [abs(a - b) / abs(b) for a, b in zip(losses, exact)]
    mean = [sum(values[-20:]) for values in (losses, exact)]
    print(name, "trace: loss", losses[0], losses[-1], "fp32 against fp64: first 10",
          f"{max(off[:10]):.1e}", "worst", f"{max(off):.1e}", "last", f"{off[-1]:.1e}",
          "mean of the last 20", f"{abs(mean[0] / mean[1] - 1):.1e}")
    return losses
