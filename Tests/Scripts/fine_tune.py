"""Fine-tunes a network of pretrain in PyTorch, and compares with what `evaluate --fine-tune` printed.

python fine_tune.py IDX-DIRECTORY BACKBONE LABELS-OF-A-CLASS PRINTED; see `fine-tuning` beside this file.
"""

import re
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

DRAWS, STEPS, BATCH, RATE, HEAD_RATE, QUERIES, BANK = 5, 100, 64, 0.01, 0.1, 2_000, 10_000


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet10(nn.Module):
    """One block a level and a 3x3 stem; weights start as torchvision's."""

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for level in range(4):
            inputs = width << max(0, level - 1)
            block = Block(inputs, width << level, 2 if level else 1)
            setattr(self, f"layer{level + 1}", nn.Sequential(block))
        self.width = width << 3
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


def idx(path):
    data = np.fromfile(path, np.uint8)
    sizes = data[4 : 4 + 4 * data[3]].view(">u4").astype(int)
    return data[4 + 4 * data[3] :].reshape(sizes)


def read(prefix, count):
    images, labels = (idx(f"{directory}/{prefix}-{name}-ubyte")[:count] for name in ("images-idx4", "labels-idx1"))
    scaled = torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()
    return scaled, torch.from_numpy(labels.astype(np.int64))


def accuracy(state, rows):
    net = ResNet10(weights["conv1.weight"].shape[0])
    if state:
        net.load_state_dict(state)
    head = nn.Linear(net.width, classes)
    rate = RATE if state else HEAD_RATE
    optimizer = torch.optim.SGD(
        [{"params": net.parameters(), "lr": rate}, {"params": head.parameters(), "lr": HEAD_RATE}],
        momentum=0.9,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    batch = min(BATCH, len(rows))
    left = rows[:0]
    for _ in range(STEPS):
        if len(left) < batch:
            left = rows[torch.randperm(len(rows))]
        chosen, left = left[:batch], left[batch:]
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(net(bank[chosen])), bank_labels[chosen]).backward()
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        found = torch.cat([head(net(part)).argmax(1) for part in queries.split(500)])
    return (found == query_labels).float().mean().item()


directory, backbone, count, printed = sys.argv[1], sys.argv[2], int(sys.argv[3]), open(sys.argv[4]).read()
weights = {name: value for name, value in load_file(backbone).items() if not name.startswith("fc.")}
(bank, bank_labels), (queries, query_labels) = read("train", BANK), read("t10k", QUERIES)
classes = int(bank_labels.max()) + 1
torch.manual_seed(0)
for name, state in [("fine-tuned", weights), ("from scratch", None)]:
    found = []
    for _ in range(DRAWS):
        order = torch.randperm(len(bank))
        rows = torch.cat([order[bank_labels[order] == label][:count] for label in range(classes)])
        found.append(accuracy(state, rows))
    mean, deviation = np.mean(found), np.std(found)
    print(f"{mean:.3f} ± {deviation:.3f}  {name} in PyTorch")
    ours, spread = map(float, re.search(rf"([\d.]+) ± ([\d.]+)  {name}", printed).groups())
    # Three deviations of the difference of two means.
    bound = 3 * np.hypot(deviation, spread) / np.sqrt(DRAWS)
    assert abs(ours - mean) <= bound, f"{name}: {ours} and {mean:.3f} differ by more than {bound:.3f}"
