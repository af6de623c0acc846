"""Compares networks in onnxruntime with what ONNXNetworks wrote beside them.

    python check_onnx.py DIRECTORY        each NAME.onnx with NAME.safetensors
    python check_onnx.py --run DIRECTORY  the network.onnx of a run of pretrain
"""

import json
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4  # of the largest output, and of 1 if that is smaller


def tensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
        numbers = np.frombuffer(data[8 + length + begin : 8 + length + end], kind)
        arrays[name] = numbers.reshape(entry["shape"])
    return arrays


def session(path):
    # Warnings of the runtime are of interest: a model that is odd makes them.
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def checked(path):
    onnx.checker.check_model(str(path), full_check=True)
    return onnx.load(str(path))


def check(path):
    model = checked(path)
    run = session(path)
    known = tensors(path.with_suffix(".safetensors"))
    assert [size.dim_param for size in model.graph.input[0].type.tensor_type.shape.dim][0] == "batch"
    worst = 0.0
    for count in (1, 2, 5):
        (output,) = run.run(None, {run.get_inputs()[0].name: known[f"input{count}"]})
        wanted = known[f"output{count}"]
        assert output.shape == wanted.shape, (path.name, output.shape, wanted.shape)
        assert np.isfinite(output).all(), path.name
        scale = max(1.0, float(np.abs(wanted).max()))
        worst = max(worst, float(np.abs(output - wanted).max()) / scale)
    kinds = Counter(node.op_type for node in model.graph.node)
    if path.name.startswith("resnet"):
        assert "Transpose" not in kinds, path.name
    print(f"{worst:.1e}  {path.stem}: {sum(kinds.values())} nodes")
    return worst


def check_run(directory):
    path = directory / "network.onnx"
    model = checked(path)
    state = tensors(directory / "backbone.safetensors")
    numbers = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    same = [name for name in numbers if name in state]
    assert len(same) > 20
    for name in same:
        assert np.array_equal(numbers[name], state[name]), name
    # The classifier that nobody trained is not in the file: the last norm says how wide features are.
    (width,) = state["layer4.0.bn2.weight"].shape
    run = session(path)
    size = [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    for count in (1, 3):
        images = np.random.default_rng(0).random([count] + size[1:], dtype=np.float32)
        (features,) = run.run(None, {"images": images})
        assert features.shape == (count, width), features.shape
        assert np.isfinite(features).all()
    properties = {entry.key: entry.value for entry in model.metadata_props}
    print(f"{path.name}: images {size}, features {width}, {properties}")


if sys.argv[1] == "--run":
    check_run(Path(sys.argv[2]))
else:
    paths = sorted(Path(sys.argv[1]).glob("*.onnx"))
    assert len(paths) > 80, len(paths)
    worst = max(check(path) for path in paths)
    print(f"{len(paths)} networks, largest difference {worst:.1e}")
    assert worst < TOLERANCE
