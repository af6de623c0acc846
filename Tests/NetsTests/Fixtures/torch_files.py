"""Writes what torch.save makes of some tensors, in both of its formats, and their numbers: torch_files.json.

Needs torch:  python torch_files.py
"""

import base64
import io
import json
import pickle
from collections import OrderedDict, defaultdict, deque
from pathlib import Path

import torch

torch.manual_seed(0)


def contents():
    grid = torch.randn(4, 6)
    state = OrderedDict(
        weight=torch.nn.Parameter(torch.randn(2, 3, 2, 2)),
        last=torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
        half=torch.randn(3).half(), brain=torch.randn(3).bfloat16(), double=torch.randn(2).double(),
        count=torch.tensor(12_345), bytes=torch.tensor([1, 2, 255], dtype=torch.uint8),
        flags=torch.tensor([True, False]), ints=torch.tensor([-5, 7], dtype=torch.int32),
        part=grid[1:3, 2:5], turned=grid.t(), whole=grid, empty=torch.zeros(0, 3),
    )
    return {"state_dict": state, "epoch": 3, "loss": 0.25, "name": "été", "sizes": [torch.ones(1), 70_000, -3]}


def flat(value, name=""):
    """The tensors under their dotted names."""
    if isinstance(value, torch.Tensor):
        numbers = value.detach().double().flatten().tolist()
        return {name: {"shape": list(value.shape), "numbers": numbers}}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return {key: entry for part, inner in items for key, entry in flat(inner, f"{name}.{part}".lstrip(".")).items()}


def file(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return base64.b64encode(out.getvalue()).decode()


class Tensor:
    """A tensor of the one storage of `written`, as any function and arguments would make it."""

    def __init__(self, sizes, strides, function=torch._utils._rebuild_tensor_v2):
        tail = () if function is torch._utils._rebuild_tensor else (False, OrderedDict())
        self.call = (function, (Storage(), 0, sizes, strides, *tail))

    def __reduce__(self):
        return self.call


class Storage:
    """Four floats: 0, 1, 2 and 3."""


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return ("storage", torch.FloatStorage, "0", "cpu", 4) if isinstance(value, Storage) else None


def written(value):
    """A file of the older format with the one storage."""
    out = io.BytesIO()
    for part in (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {}):
        pickle.dump(part, out, protocol=2)
    Pickler(out, protocol=2).dump(value)
    pickle.dump(["0"], out, protocol=2)
    out.write((4).to_bytes(8, "little"))
    out.write(torch.arange(4, dtype=torch.float32).numpy().tobytes())
    return base64.b64encode(out.getvalue()).decode()


# Tensors that their storage is too small for, or that are larger than any memory.
HOSTILE = {
    "a negative size": ((-(2**63),), (1,)), "many of nothing": ((2**31 - 1,) * 3 + (0,), (1,) * 4),
    "the same again and again": ((2**39,), (0,)), "one too many": ((5,), (1,)), "a negative stride": ((2,), (-1,)),
}


def beside_tensors():
    """What is of no use, beside and around a tensor."""
    inner = torch.nn.Linear(1, 1)
    return dict(
        queue=deque([1, 2]), table=defaultdict(list, a=[3]), number=1 + 2j, kind=torch.float32, module=inner,
        tensor=torch.ones(2),
    )


def main():
    value = contents()
    fixture = {
        "tensors": flat(value), "zip": file(value),
        "legacy": file(value, _use_new_zipfile_serialization=False),
        "protocol4": file(value, pickle_protocol=4),
        "modules": [
            file(torch.nn.Linear(1, 1), _use_new_zipfile_serialization=new) for new in (False, True)
        ],
        "besides": [file(beside_tensors(), _use_new_zipfile_serialization=new) for new in (False, True)],
        "oldest": written({"x": Tensor((2, 2), (1, 2), torch._utils._rebuild_tensor)}),
        "unknown": written({"x": Tensor((2, 2), (1, 2), torch._utils._rebuild_meta_tensor_no_storage)}),
        "hostile": {name: written({"x": Tensor(*arguments)}) for name, arguments in HOSTILE.items()},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(fixture, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
