"""Gradients of two processes against PyTorch's DistributedDataParallel over Gloo, in two processes too.

    mpirun -n 2 .build/release/Processes --method byol --gradients /tmp/byol
    python3 Tests/Scripts/ddp_gradients.py byol /tmp/byol

DDP averages gradients, so that each rank's loss here is the mean over its own rows. PyTorch's SyncBatchNorm takes
no tensors of the CPU: the one below gathers the statistics with autograd's collectives. SimCLR gathers projections
with their gradients. Needs torch, torchvision and safetensors.
"""

import os
import sys
import warnings

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as dnn
import torch.multiprocessing as mp
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

# The collectives with gradients are named otherwise in newer versions.
warnings.filterwarnings("ignore", category=FutureWarning)
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../Examples/PyTorch"))
from resnet import make_resnet  # noqa: E402

WORDS = {"network": "resnet10", "norm": "batch", "width": "8", "stem": "small", "input_channels": "3"}


class SyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm by the statistics of all processes, each with as many rows."""

    def _check_input_dim(self, x):
        pass

    def forward(self, x):
        axes = [0] + list(range(2, x.dim()))
        shape = [1, -1] + [1] * (x.dim() - 2)
        count = x.numel() // x.shape[1] * dist.get_world_size()
        mean = dnn.all_reduce(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = dnn.all_reduce((centred * centred).sum(axes)) / count
        y = centred * torch.rsqrt(variance + self.eps).view(shape)
        return y if self.weight is None else y * self.weight.view(shape) + self.bias.view(shape)


def synchronized(module):
    for name, child in module.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            new = SyncBatchNorm(child.num_features, affine=child.affine)
            new.load_state_dict(child.state_dict())
            setattr(module, name, new)
        else:
            synchronized(child)
    return module


def head(state, prefix):
    """Linear layers and batch norms in the order of their numbers, with ReLU at the numbers between."""
    names = [name[len(prefix) + 1 :] for name in state if name.startswith(prefix + ".")]
    places = sorted({name.rsplit(".", 1)[0] for name in names}, key=lambda p: [int(w) for w in p.split(".") if w.isdigit()])
    layers = nn.Sequential()
    for index in range(int(places[-1].split(".")[0]) + 1):
        own = {n.rsplit(".", 1)[1]: state[f"{prefix}.{n}"] for n in names if n.startswith(f"{index}.")}
        if "running_mean" in own:
            layer = nn.BatchNorm1d(len(own["running_mean"]), affine="weight" in own)
        elif "weight" in own:
            layer = nn.Linear(own["weight"].shape[1], own["weight"].shape[0], bias="bias" in own)
        else:
            layers.append(nn.ReLU())
            continue
        layer.load_state_dict(own)
        layers.append(layer)
    return layers


class Online(nn.Module):
    def __init__(self, state, method):
        super().__init__()
        self.method = method
        self.net = network(state, "net")
        self.projector = head(state, "projector")
        if method == "byol":
            self.predictor = head(state, "predictor")

    def forward(self, first, second, targets):
        a, b = (self.projector(self.net(v)) for v in (first, second))
        if self.method == "byol":
            a, b = self.predictor(a), self.predictor(b)
            return sum((2 - 2 * F.cosine_similarity(p, t)).mean() for p, t in zip((a, b), reversed(targets)))
        # SimCLR: each row of this process against those of all.
        rank, count, size = dist.get_rank(), len(a), dist.get_world_size()
        every = torch.cat([torch.cat(dnn.all_gather(z.contiguous())) for z in (a, b)])
        logits = F.normalize(torch.cat([a, b])) @ F.normalize(every).T / 0.2
        places = torch.cat([torch.arange(count) + rank * count, torch.arange(count) + (rank + size) * count])
        logits[torch.arange(2 * count), places] = float("-inf")
        return F.cross_entropy(logits, (places + size * count) % (2 * size * count))


def network(state, prefix):
    net = make_resnet(WORDS, 1_000)
    net.load_state_dict({n[len(prefix) + 1 :]: v for n, v in state.items() if n.startswith(prefix + ".")})
    net.fc = nn.Identity()
    return net


def run(rank, method, prefix):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.set_num_threads(1)
    state = load_file(prefix + "-state.safetensors")
    views = [state[f"views.{v}"].permute(0, 3, 1, 2).contiguous() for v in ("first", "second")]
    own = len(views[0]) // 2
    first, second = (v[rank * own : (rank + 1) * own] for v in views)
    targets = None
    if method == "byol":
        target = synchronized(nn.Sequential(network(state, "target.net"), head(state, "target.projector")))
        with torch.no_grad():
            targets = [target(v) for v in (first, second)]
    model = DistributedDataParallel(synchronized(Online(state, method)))
    loss = model(first, second, targets)
    loss.backward()
    total = loss.detach().clone()
    dist.all_reduce(total)
    if rank == 0:
        ours = load_file(prefix + "-gradients.safetensors")
        pairs = [(p.grad, ours[n]) for n, p in model.module.named_parameters() if p.grad is not None]
        distance = torch.cat([(a - b).flatten() for a, b in pairs]).norm()
        error = (distance / torch.cat([a.flatten() for a, _ in pairs]).norm()).item()
        print(f"{method}: loss {total.item() / 2:.7f} and {state['loss'].item():.7f}, "
              f"gradients of {len(pairs)} tensors apart by {error:.1e} of their norm")  # fmt: skip
        assert error < 1e-4
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(run, args=(sys.argv[1], sys.argv[2]), nprocs=2)
