"""PyTorch's side of `benchmark step`: the same step, one JSON line with the same fields.

Needs torch and torchvision. Usage: python pytorch_peer.py step --net resnet18 --stem small --size 32 --batch 64
"""

import argparse
import copy
import json
import os
import resource
import statistics
import time


def network(name, stem, torch, torchvision):
    net = getattr(torchvision.models, name)(weights=None)
    if stem == "small":
        net.conv1 = torch.nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
    width = net.fc.in_features
    net.fc = torch.nn.Identity()
    return net, width


def head(torch, inputs, hidden, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden),
        torch.nn.BatchNorm1d(hidden),
        torch.nn.ReLU(inplace=True),
        torch.nn.Linear(hidden, outputs),
    )


def simsiam_heads(torch, width, hidden, size):
    projector = torch.nn.Sequential(
        torch.nn.Linear(width, hidden, bias=False),
        torch.nn.BatchNorm1d(hidden),
        torch.nn.ReLU(inplace=True),
        torch.nn.Linear(hidden, hidden, bias=False),
        torch.nn.BatchNorm1d(hidden),
        torch.nn.ReLU(inplace=True),
        torch.nn.Linear(hidden, size, bias=False),
        torch.nn.BatchNorm1d(size, affine=False),
    )
    predictor = torch.nn.Sequential(
        torch.nn.Linear(size, size // 4, bias=False),
        torch.nn.BatchNorm1d(size // 4),
        torch.nn.ReLU(inplace=True),
        torch.nn.Linear(size // 4, size),
    )
    return projector, predictor


def step_function(arguments, torch, torchvision):
    import torch.nn.functional as F

    torch.manual_seed(0)
    net, width = network(arguments.net, arguments.stem, torch, torchvision)
    if arguments.method == "byol":
        projector, predictor = head(torch, width, 4096, 256), head(torch, 256, 4096, 256)
    else:
        projector, predictor = simsiam_heads(torch, width, 4096, 256)
    online = torch.nn.Sequential(net, projector).to(memory_format=torch.channels_last)
    target = copy.deepcopy(online).requires_grad_(False) if arguments.method == "byol" else None
    parameters = list(online.parameters()) + list(predictor.parameters())
    optimizer = torch.optim.Adam(parameters, lr=3e-4, fused=True)
    shape = (arguments.batch, 3, arguments.size, arguments.size)
    views = [torch.randn(shape).to(memory_format=torch.channels_last) for _ in range(2)]
    followers = list(zip(target.parameters(), online.parameters())) if target else []

    def loss(predictions, targets):
        return 2 - 2 * F.cosine_similarity(predictions, targets.detach(), dim=-1).mean()

    def forward():
        projections = [online(view) for view in views]
        predictions = [predictor(projection) for projection in projections]
        if target:
            with torch.no_grad():
                targets = [target(view) for view in views]
        else:
            targets = projections
        return loss(predictions[0], targets[1]) + loss(predictions[1], targets[0])

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            value = forward()
        value.backward()
        optimizer.step()
        if followers:
            with torch.no_grad():
                torch._foreach_lerp_([a for a, _ in followers], [b for _, b in followers], 0.01)

    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["step"])
    parser.add_argument("--method", default="byol", choices=["byol", "simsiam"])
    parser.add_argument("--net", default="resnet18")
    parser.add_argument("--stem", default="small", choices=["small", "imagenet"])
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    import torch
    import torchvision

    torch.set_num_threads(arguments.threads)
    step = step_function(arguments, torch, torchvision)
    for _ in range(arguments.warmup):
        step()
    times = []
    for _ in range(arguments.steps):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    median = statistics.median(times)
    print(
        json.dumps(
            {
                "ms_median": round(median, 1),
                "ms_min": round(min(times), 1),
                "images_per_second": round(arguments.batch / median * 1e3, 1),
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
                "threads": arguments.threads,
                "precision": arguments.precision,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
