"""Compares what TensorBoard reads of the runs in a directory with their metrics.jsonl.

python check_tensorboard.py RUNS; see the script `tensorboard` beside this file.
"""

import io
import json
import math
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# What the fields of metrics.jsonl are called here.
TAGS = {
    "loss": "train/loss",
    "learning_rate": "train/learning_rate",
    "gradient_norm": "train/gradient_norm",
    "spread": "projections/spread",
    "dead_share": "projections/dead_share",
    "effective_rank": "projections/effective_rank",
    "images_per_second": "speed/images_per_second",
    "wait_share": "speed/wait_share",
}
UNSHOWN = {"event", "step", "epoch", "seconds"}


def float32(number):
    return math.nan if number is None else struct.unpack("f", struct.pack("f", number))[0]


def expected_scalars(run):
    """Steps and values by tag, from the log of the run."""
    expected = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        # The evaluation of the untrained network comes before TensorBoard's first event.
        if record["event"] not in ("step", "epoch") or record["step"] == 0:
            continue
        group = "method/" if record["event"] == "step" else "evaluation/"
        for name, value in record.items():
            if name not in UNSHOWN:
                tag = TAGS[name] if group == "method/" and name in TAGS else group + name
                expected.setdefault(tag, []).append((record["step"], float32(value)))
    return expected


def same(found, expected):
    return len(found) == len(expected) and all(
        a[0] == b[0] and (a[1] == b[1] or math.isnan(a[1]) and math.isnan(b[1]))
        for a, b in zip(found, expected)
    )


def check_files(run):
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    expected = expected_scalars(run)
    assert set(accumulator.Tags()["scalars"]) == set(expected), accumulator.Tags()
    for tag, values in expected.items():
        found = [(event.step, event.value) for event in accumulator.Scalars(tag)]
        assert same(found, values), (run.name, tag, found, values)
    assert accumulator.Tags()["images"] == ["views"]
    (views,) = accumulator.Images("views")
    picture = Image.open(io.BytesIO(views.encoded_image_string))
    picture.load()
    assert picture.size == (views.width, views.height) and picture.mode == "RGB"
    count = sum(map(len, expected.values()))
    print(f"{run.name}: {len(expected)} tags with {count} values as in metrics.jsonl, views {picture.size}")
    return expected


class Server:
    """A process of TensorBoard."""

    def __init__(self, runs, *flags):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", runs, "--port", str(self.port), *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read()

    def json(self, path, **query):
        return json.loads(self.get(path, **query))

    def wait(self, ready):
        for _ in range(120):
            try:
                if ready():
                    return
            except OSError:
                pass
            assert self.process.poll() is None, "tensorboard has ended"
            time.sleep(0.5)
        raise SystemExit("tensorboard does not answer as it should")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def check_server(runs, expected, *flags):
    prefix = "/data/plugin"
    with Server(str(runs), *flags) as server:
        def shows(run, tag, values):
            found = server.json(prefix + "/scalars/scalars", run=run, tag=tag)
            return same([(step, float(value)) for _, step, value in found], values)

        # Files are read in the background, one after the other.
        server.wait(
            lambda: all(
                set(server.json(prefix + "/scalars/tags").get(run, {})) == set(tags)
                and all(shows(run, tag, values) for tag, values in tags.items())
                for run, tags in expected.items()
            )
        )
        images = server.json(prefix + "/images/tags")
        assert all("views" in images[run] for run in expected), images
        (view,) = server.json(prefix + "/images/images", run="whole", tag="views", sample=0)
        Image.open(io.BytesIO(server.get(prefix + "/images/individualImage?" + view["query"]))).load()
        projector = prefix + "/projector"
        server.wait(lambda: set(server.json(projector + "/runs")) == set(expected))
        for run in expected:
            check_projector(runs / run, run, server, projector)
    print("the server", *flags, "shows the same, views, features, classes and images")


def check_projector(directory, run, server, projector):
    (embedding,) = server.json(projector + "/info", run=run)["embeddings"]
    name, (count, width) = embedding["tensorName"], embedding["tensorShape"]
    tensor = server.get(projector + "/tensor", run=run, name=name)
    floats = struct.unpack(f"{count * width}f", tensor)
    lines = (directory / "projector-features.tsv").read_text().splitlines()
    assert [float32(float(x)) for line in lines for x in line.split("\t")] == list(floats)
    assert any(floats) and all(map(math.isfinite, floats))
    labels = server.get(projector + "/metadata", run=run, name=name).decode().splitlines()
    assert len(labels) == count and 1 < len(set(labels)) < count, labels[:3]
    sprite = Image.open(io.BytesIO(server.get(projector + "/sprite_image", run=run, name=name)))
    sprite.load()
    across, down = embedding["sprite"]["singleImageDim"]
    assert (sprite.width // across) * (sprite.height // down) >= count, sprite.size
    assert re.fullmatch(r"\d+x\d+", f"{across}x{down}")


runs = pathlib.Path(sys.argv[1])
expected = {run.name: check_files(run) for run in sorted(runs.iterdir())}
assert list(expected) == ["parts", "whole"] and "evaluation/knn" in expected["whole"]
files = len(list((runs / "parts").glob("events.out.tfevents.*")))
assert files == 2, f"a run that goes on has 2 files of events; got {files}"
# Read by TensorBoard's Python, and by its faster server of data; no values are left out.
for fast in ["false", "true"]:
    check_server(runs, expected, f"--load_fast={fast}", "--samples_per_plugin=scalars=100000")
