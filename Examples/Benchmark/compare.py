"""Runs `benchmark step` and pytorch_peer.py in turn and prints the ratios as a Markdown table.

Needs torch and torchvision in the Python that runs it, and `swift build -c release` before.
Usage: python Examples/Benchmark/compare.py [--rounds 3] [--case 0]
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BENCHMARK = HERE.parent.parent / ".build" / "release" / "benchmark"
CASES = [
    ("ResNet-18 small stem, 32x32, batch 64", "--net resnet18 --stem small --size 32 --batch 64"),
    ("ResNet-18, 96x96, batch 32", "--net resnet18 --stem imagenet --size 96 --batch 32"),
    ("ResNet-50, 224x224, batch 8", "--net resnet50 --stem imagenet --size 224 --batch 8"),
]


def run(command):
    # OpenBLAS chooses its kernels by the processor unless the environment names others.
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--case", type=int, action="append", choices=range(len(CASES)))
    parser.add_argument("--bf16", action="store_true", help="PyTorch's bf16 autocast as well")
    arguments = parser.parse_args()
    peers = ["fp32", "bf16"] if arguments.bf16 else ["fp32"]
    print("| BYOL step | this package | " + " | ".join(f"PyTorch {p}" for p in peers)
          + " | times faster | peak RSS |")
    print("|---|---|" + "---|" * len(peers) + "---|---|")
    for index in arguments.case or range(len(CASES)):
        name, flags = CASES[index]
        flags = flags.split() + ["--steps", str(arguments.steps), "--json"]
        ours, theirs = [], {peer: [] for peer in peers}
        for _ in range(arguments.rounds):
            ours.append(run([str(BENCHMARK), "step", *flags]))
            for peer in peers:
                command = [sys.executable, str(HERE / "pytorch_peer.py"), "step", *flags]
                theirs[peer].append(run([*command, "--precision", peer]))
        median = statistics.median(r["ms_median"] for r in ours)
        memory = max(r["peak_rss_mb"] for r in ours)
        medians = {p: statistics.median(r["ms_median"] for r in theirs[p]) for p in peers}
        ratios = ", ".join(f"{medians[p] / median:.2f} ({p})" for p in peers)
        times = " | ".join(f"{medians[p]:.0f} ms" for p in peers)
        peak = max(r["peak_rss_mb"] for r in theirs[peers[0]])
        print(f"| {name} | {median:.0f} ms | {times} | {ratios} | {memory} MB, PyTorch {peak} MB |",
              flush=True)


if __name__ == "__main__":
    main()
