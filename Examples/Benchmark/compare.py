"""This package beside PyTorch: runs `benchmark` and pytorch_peer in turn and prints a Markdown table.

Needs `swift build -c release` before, and in the Python that runs it what pytorch_peer says.
Usage: python Examples/Benchmark/compare.py [TABLE] [--rounds 3] [--threads 2]
"""

import argparse
import os
import statistics

from interleaved import AVX2, BENCHMARK, PEER, heading, limits, line, measured

STEPS = [
    ("BYOL, ResNet-18 small stem, 32x32, batch 64", "--net resnet18 --stem small --size 32 --batch 64"),
    ("BYOL, ResNet-18, 96x96, batch 32", "--net resnet18 --stem imagenet --size 96 --batch 32"),
    ("BYOL, ResNet-50, 224x224, batch 8", "--net resnet50 --stem imagenet --size 224 --batch 8"),
    ("SimCLR, ResNet-10 of width 16, 20x20, batch 128",
     "--method simclr --net resnet10 --width 16 --size 20 --batch 128"),
    ("BYOL, ViT-S/16, 224x224, batch 8", "--net vit-small --patch 16 --size 224 --batch 8"),
]
PEERS = {"eager": [], "compiled": ["--compiled"]}
# Ours, theirs, and whose code theirs is.
METHODS = [
    ("byol", "byol-pytorch", "byol-pytorch"), ("byol", "byol", "lightly"),
    ("simsiam", "simsiam", "lightly"), ("simclr", "simclr", "lightly"),
    ("nnclr", "nnclr", "lightly"), ("moco", "moco", "lightly"),
    ("barlow-twins", "barlow-twins", "lightly"), ("vicreg", "vicreg", "lightly"),
    ("pixelcl", "pixelcl", "pixel-level-contrastive-learning"),
]


def step(arguments):
    """A step of five networks, beside the fastest of PyTorch's variants."""
    precisions = {"fp32": "float32", "bf16": "bfloat16"} if arguments.bf16 else {"fp32": "float32"}
    heading("step", *(f"{who} {p}" for p in precisions for who in ["this package", "PyTorch"]),
            "times faster", *(f"peak resident size, {p}" for p in precisions))
    for index in arguments.case or range(len(STEPS)):
        name, flags = STEPS[index]
        flags = ["step", *flags.split(), "--steps", arguments.steps, *common(arguments)]
        programs = {}
        for theirs, ours in precisions.items():
            programs["our " + theirs] = [*BENCHMARK, *flags, "--precision", ours]
            for peer in arguments.peers:
                # A compiled step's first runs compile.
                programs[f"{peer} {theirs}"] = [
                    *PEER, *flags, "--precision", theirs, "--warmup", 4, *PEERS[peer]]
        found = {label: rows[0] for label, rows in measured(programs, arguments.rounds).items()}
        pairs = [(found["our " + p], min((found[f"{peer} {p}"] for peer in arguments.peers),
                                         key=lambda row: row["ms_median"])) for p in precisions]
        line(name, *(text for ours, theirs in pairs for text in (ms(ours), f"{ms(theirs)} {theirs['by']}")),
             ", ".join(faster(theirs, ours) for ours, theirs in pairs),
             *(f"{ours['peak_rss_mb']} MB, PyTorch {theirs['peak_rss_mb']} MB"
               for ours, theirs in pairs))


def methods(arguments):
    """Every learner's step, ResNet-18 with the small stem at 32x32."""
    heading("step, 32x32, batch 64", "beside", "this package", "PyTorch", "times faster",
            "peak resident size", "of BYOL's step")
    byol = None
    for index in arguments.case or range(len(METHODS)):
        name, peer, package = METHODS[index]
        flags = ["--steps", arguments.steps, *common(arguments)]
        found = measured({
            "ours": [*BENCHMARK, "step", "--method", name, *flags],
            "theirs": [*PEER, "step", "--method", peer, *flags]}, arguments.rounds)
        ours, theirs = found["ours"][0], found["theirs"][0]
        byol = ours["ms_median"] if name == "byol" else byol
        share = f"{ours['ms_median'] / byol:.2f}" if byol else ""
        line(name, package, ms(ours), ms(theirs), faster(theirs, ours),
             f"{ours['peak_rss_mb']} MB, PyTorch {theirs['peak_rss_mb']} MB", share)


def convolution(arguments):
    """Convolutions of ResNet-18, ResNet-50 and EfficientNet-Lite0: GFLOP/s of the direct method, and the ratio."""
    directions = ["forward", "input_gradient", "weight_gradient"]
    ratios, summary = [], []
    heading("convolution", *(f"{d.replace('_', ' ')}: GFLOP/s, PyTorch's, ratio"
                             for d in directions), "error", "peak resident size")
    for net, batch in [("resnet18", 64), ("resnet50", 8), ("efficientnet", 64)]:
        flags = ["--batch", batch, "--precision", "bfloat16" if arguments.bf16 else "float32", *common(arguments)]
        ours = [*BENCHMARK, "convolution", "--net", net, *flags]
        cases = [row["convolution"] for row in measured({"": [*ours, "--repeats", 1]}, 1)[""]]
        found = measured({
            "ours": ours, "theirs": [*PEER, "convolution", *flags, "--cases", *cases],
        }, arguments.rounds)
        for ours, theirs in zip(found["ours"], found["theirs"]):
            ratios += [ours[d] / theirs[d] for d in directions]
            line(ours["convolution"],
                 *(f"{ours[d]:.0f}, {theirs[d]:.0f}, {ours[d] / theirs[d]:.2f}"
                   for d in directions),
                 ours["error"], f"{ours['peak_rss_mb']} MB, PyTorch {theirs['peak_rss_mb']} MB")
        summary.append(f"up to {net}: {len(ratios)} passes, geometric mean {statistics.geometric_mean(ratios):.2f}, "
                       f"{sum(r < 1 for r in ratios)} below 1, the least {min(ratios):.2f}")
    print("", *summary, sep="\n")


def augmentation(arguments):
    """SimCLR's views a second, and their share of the step that uses them."""
    heading("SimCLR's views/s", "1 thread", f"{arguments.threads} threads", "torchvision, 1 thread",
            "times faster", "kornia, 1 thread", f"kornia, {arguments.threads} threads",
            "peak resident size", "share of a BYOL step")
    for size, (_, flags) in zip([32, 96, 224], STEPS[:3]):
        flags, many = flags.split(), common(arguments)
        views = ["augmentation", "--size", size, "--json"]
        found = measured({
            "ours": [*BENCHMARK, *views, *many],
            "peer": [*PEER, *views, "--threads", 1],
            "peers": [*PEER, *views, *many],
            "step": [*BENCHMARK, "step", *flags, "--steps", arguments.steps, *many],
        }, arguments.rounds)
        one, all_threads = found["ours"][0], found["ours"][-1]
        torchvision, kornia = found["peer"]
        views_in_step = 2 * int(flags[flags.index("--batch") + 1])
        share = (views_in_step / all_threads["views_per_second"]
                 / (found["step"][0]["ms_median"] / 1e3))
        speeds = [r["views_per_second"] for r in (one, all_threads, torchvision)]
        line(f"{size}x{size}", *(f"{speed:.0f}" for speed in speeds),
             f"{speeds[0] / speeds[2]:.1f} on one, "
             f"{speeds[1] / speeds[2] / arguments.threads:.1f} per thread on "
             f"{arguments.threads}",
             f"{kornia['views_per_second']:.0f}", f"{found['peers'][1]['views_per_second']:.0f}",
             f"{all_threads['peak_rss_mb']} MB, torchvision {torchvision['peak_rss_mb']} MB, "
             f"kornia {kornia['peak_rss_mb']} MB", f"{share:.1%}")


def optimizers(arguments):
    """Updates of 25.6 million parameters, beside the speed at which this machine copies."""
    flags = common(arguments)
    found = measured({
        "machine": [*BENCHMARK, "machine", *flags], "ours": [*BENCHMARK, "optimizers", *flags],
        "theirs": [*PEER, "optimizers", *flags]}, arguments.rounds)
    copy = found["machine"][0]["copy_gb_per_second"]
    heading("update", "this package", "bytes a parameter", f"GB/s, of {copy:.0f} for a copy",
            "PyTorch", "times faster", "peak resident size")
    for ours in found["ours"]:
        theirs = [row for row in found["theirs"] if row["update"] == ours["update"]]
        line(ours["update"], ms(ours), ours["bytes_per_parameter"],
             f"{ours['gb_per_second']:.0f} ({ours['gb_per_second'] / copy:.0%})",
             ", ".join(f"{ms(row)} {row['by']}" for row in theirs),
             ", ".join(faster(row, ours) for row in theirs),
             f"{ours['peak_rss_mb']} MB, PyTorch {max(r['peak_rss_mb'] for r in theirs)} MB")


def neighbours(arguments):
    """10,000 vectors of 512 classified by their 20 nearest among 60,000."""
    flags = common(arguments)
    found = measured({
        "ours": [*BENCHMARK, "neighbours", *flags], "theirs": [*PEER, "neighbours", *flags],
    }, arguments.rounds)
    ours = found["ours"][0]
    heading("nearest neighbours", "time", "queries/s", "this package is faster",
            "peak resident size")
    for row in [dict(ours, by="this package"), *found["theirs"]]:
        line(row["by"], ms(row), f"{row['queries_per_second']:.0f}",
             faster(row, ours) if row["by"] != "this package" else "",
             f"{row['peak_rss_mb']} MB")


def common(arguments):
    return ["--threads", arguments.threads, "--json"]


def ms(row):
    return f"{row['ms_median']:.{0 if row['ms_median'] >= 100 else 1}f} ms"


def faster(row, ours):
    return f"{row['ms_median'] / ours['ms_median']:.2f}"


TABLES = {f.__name__: f for f in [step, methods, convolution, augmentation, optimizers, neighbours]}


def main():
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"{name:13} {f.__doc__}" for name, f in TABLES.items()))
    parser.add_argument("table", nargs="?", default="step", choices=TABLES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=5, help="timed steps of a learner in a round")
    parser.add_argument("--case", type=int, action="append", help="only this row of step, methods")
    parser.add_argument("--bf16", action="store_true", help="step: products of bfloat16 as well, PyTorch's by its autocast; convolution: of bfloat16, instead")
    parser.add_argument("--peers", default="eager", help="step: eager, compiled or eager,compiled; the fastest counts")
    parser.add_argument("--avx2", action="store_true", help="keep all libraries to AVX2, as on processors that have no more")
    arguments = parser.parse_args()
    if arguments.avx2:
        limits.update(AVX2)
    arguments.peers = arguments.peers.split(",")
    if unknown := set(arguments.peers) - set(PEERS):
        parser.error(f"--peers needs {' or '.join(PEERS)}, or both with a comma; got {', '.join(unknown)}")
    TABLES[arguments.table](arguments)


if __name__ == "__main__":
    main()
