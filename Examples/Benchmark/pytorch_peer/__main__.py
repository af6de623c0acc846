"""PyTorch's side of `benchmark`: a command of the same name, JSON lines with the same fields.

Usage: python Examples/Benchmark/pytorch_peer COMMAND [flags]; COMMAND --help lists the flags.
Every command needs torch; step torchvision, and by method lightly, byol-pytorch or
pixel-level-contrastive-learning; augmentation torchvision and kornia; optimizers torchvision and
lightly; neighbours scikit-learn.
"""

import argparse
import importlib
import os
import sys

COMMANDS = ["step", "convolution", "augmentation", "optimizers", "neighbours"]


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"{__doc__}\nCommands: {', '.join(COMMANDS)}")
    parser = argparse.ArgumentParser(prog=f"pytorch_peer {sys.argv[1]}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", action="store_true", help="accepted; lines are always JSON")
    command = importlib.import_module(sys.argv[1])
    command.add_flags(parser)
    arguments = parser.parse_args(sys.argv[2:])

    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    command.run(arguments)


main()
