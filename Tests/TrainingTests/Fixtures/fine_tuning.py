"""Writes fine-tuning.json: losses of fine-tuning in PyTorch, and what the network then says.

In double precision: at a ReLU whose input is almost zero, floats go one way or the other.

pip install torch numpy; python fine_tuning.py
"""

import json
import pathlib
import sys

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
import formula  # noqa: E402

torch.set_num_threads(1)
STEPS, CLASSES, WIDTH = 20, 3, 6


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTH, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(WIDTH)

    def forward(self, images):
        return torch.relu(self.bn(self.conv(images))).mean((2, 3))


def fill(module, prefix=""):
    entries = {
        name: torch.from_numpy(formula.entry(name, tuple(value.shape), prefix)).to(value.dtype)
        for name, value in module.state_dict().items()
    }
    module.load_state_dict(entries)


def images(name, count):
    return torch.from_numpy(formula.images(name, 0, count, 8, 8, 3)).permute(0, 3, 1, 2).double()


def train(rate, head_rate):
    net, head = Net().double(), nn.Linear(WIDTH, CLASSES).double()
    fill(net)
    fill(head, "head.")
    optimizer = torch.optim.SGD(
        [{"params": net.parameters(), "lr": rate}, {"params": head.parameters(), "lr": head_rate}],
        momentum=0.9,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    batch, labels = images("labeled", 12), torch.arange(12) % CLASSES
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(net(batch)), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        logits = head(net(images("queries", 9)))
    return {"losses": losses, "logits": logits.flatten().tolist()}


fixture = {"fineTuned": train(0.01, 0.1), "fromScratch": train(0.1, 0.1)}
path = pathlib.Path(__file__).with_name("fine-tuning.json")
path.write_text(json.dumps(fixture, indent=1) + "\n")
