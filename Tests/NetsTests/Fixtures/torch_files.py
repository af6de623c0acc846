"""Writes what torch.save makes of some tensors, in both of its formats, and their numbers: torch_files.json.

Needs torch:  python torch_files.py
"""

import base64
import io
import json
from collections import OrderedDict
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


def main():
    value = contents()
    fixture = {
        "tensors": flat(value), "zip": file(value),
        "legacy": file(value, _use_new_zipfile_serialization=False),
        "protocol4": file(value, pickle_protocol=4),
        "module": file(torch.nn.Linear(1, 1)),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(fixture, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
