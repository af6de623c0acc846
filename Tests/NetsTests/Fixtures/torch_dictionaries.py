"""Writes what torch.save makes of tensors in dictionaries of many classes and in modules: torch_dictionaries.json.

Needs torch:  python torch_dictionaries.py
"""

import base64
import io
import json
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict
from pathlib import Path

import torch

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class Words(dict):
    pass


class Ordered(OrderedDict):
    pass


class Attributes(dict):
    """Its entries are attributes too, as those of Lightning's hyperparameters."""

    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)

    __setattr__ = dict.__setitem__


class Wrapped(UserDict):
    pass


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(3, 2)
        self.register_parameter("none", None)
        self.register_buffer("kept", torch.tensor([7.0]))
        self.register_buffer("unsaved", torch.tensor([8.0]), persistent=False)
        with torch.no_grad():
            self.a.weight.copy_(TENSORS["a.weight"])
            self.a.bias.copy_(TENSORS["a.bias"])


def default():
    value = defaultdict(dict)
    value.update(TENSORS)
    return value


def file(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **{"_use_new_zipfile_serialization": False, **options})
    return base64.b64encode(out.getvalue()).decode()


def main():
    values = {
        "dict": TENSORS, "OrderedDict": OrderedDict(TENSORS), "defaultdict": default(), "subclass": Words(TENSORS),
        "subclass of OrderedDict": Ordered(TENSORS), "attributes": Attributes(TENSORS), "Counter": Counter(TENSORS),
        "UserDict": UserDict(TENSORS), "subclass of UserDict": Wrapped(TENSORS),
        "ChainMap": ChainMap({"a.bias": TENSORS["a.bias"]}, {"a.bias": torch.zeros(9), "a.weight": TENSORS["a.weight"]}),
    }
    module = Net()
    fixture = {
        "dictionaries": {name: file({"state_dict": value, "epoch": 3}) for name, value in values.items()},
        "roots": {name: file(values[name]) for name in ("defaultdict", "UserDict")} | {"module": file(module, _use_new_zipfile_serialization=True)},
        "modules": [
            file({"state_dict": module, "epoch": 3}),
            file({"state_dict": module, "epoch": 3}, _use_new_zipfile_serialization=True, pickle_protocol=4),
        ],
        "names": list(module.state_dict()),
        "types": file(
            {
                "fine": torch.ones(2), "eight": torch.ones(2).to(torch.float8_e4m3fn),
                "unsigned": torch.ones(2, dtype=torch.uint16), "complex": torch.ones(2, dtype=torch.complex64),
                "large": torch.tensor(2**40 + 1), "last": torch.full((2,), 3.0),
            },
            _use_new_zipfile_serialization=True,
        ),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(fixture, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
