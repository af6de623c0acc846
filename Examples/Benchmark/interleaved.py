"""Runs programs in turn, so that a machine's moods meet all of them, and merges what they print."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEER = [sys.executable, str(HERE / "pytorch_peer")]
# What keeps OpenBLAS, this package's kernels, and PyTorch's own, oneDNN's and MKL's to those of AVX2.
AVX2 = {"OPENBLAS_CORETYPE": "Haswell", "TENSOR_MAX_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
limits = {}
BENCHMARK = [str(HERE.parent.parent / ".build" / "release" / "benchmark")]


def measured(programs, rounds):
    """For each label of `programs` the rows its command printed, numbers as medians over the rounds."""
    runs = {label: [] for label in programs}
    for _ in range(rounds):
        for label, command in programs.items():
            runs[label].append(rows(command))
    return {label: [merged(same) for same in zip(*several)] for label, several in runs.items()}


def rows(command):
    # OpenBLAS chooses its kernels by the processor unless the environment names others.
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"} | limits
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stderr}")
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def merged(records):
    """One record of several: the median of each number, but the largest of the resident sizes."""
    one = dict(records[0])
    for name, value in one.items():
        if isinstance(value, (int, float)):
            middle = max if name == "peak_rss_mb" else statistics.median
            one[name] = middle(record[name] for record in records)
    return one


def heading(*columns):
    line(*columns)
    print("|" + "---|" * len(columns))


def line(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
