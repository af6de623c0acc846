"""runs.py PRETRAIN LETTERS DIRECTORY [FACTOR…]: trains eight methods on three data sets.

PRETRAIN is the program, LETTERS a directory of letters.py. Each run is made again with each FACTOR of
the data's learning rate, 1 alone if none is given. table.py reads the runs; those that are there
already are left alone.
"""

import pathlib
import subprocess
import sys

METHODS = ["simclr", "byol", "nnclr", "vicreg", "moco", "barlow-twins", "simsiam", "pixelcl"]
# 30,720 images each, in four epochs: the rates are the recipes'. (On pictures pretrain takes a fifth of
# that for VICReg, which diverged here.)
DATA = {
    "fashion-mnist": (["--images", "7680", "--batch", "128"], 0.3, 1),
    "shapes": (["--images", "7680", "--batch", "32"], 0.1, 0.003),
    "letters": (["--images", "7680", "--batch", "128", "--size", "24"], 0.3, 0.1),
}


def rate(method, data, factor):
    _, usual, barlow_twins = DATA[data]
    return usual * factor * {"simsiam": 0.125, "barlow-twins": barlow_twins}.get(method, 1)


def main(program, letters, directory, factors):
    for factor in factors:
        for method in METHODS:
            for data, (flags, _, _) in DATA.items():
                out = pathlib.Path(directory, f"{data}-{method}-{factor:g}")
                if (out / "backbone.safetensors").exists():
                    continue
                command = [program, "--data", letters if data == "letters" else data, *flags]
                command += ["--method", method, "--epochs", "4", "--evaluate-every", "1"]
                command += ["--learning-rate", f"{rate(method, data, factor):g}", "--out", str(out)]
                with open(f"{out}.log", "w") as log:
                    code = subprocess.call(command + ["--overwrite"], stdout=log, stderr=log)
                print(out.name, "ended" if code == 0 else f"failed with {code}", flush=True)


main(*sys.argv[1:4], [float(word) for word in sys.argv[4:]] or [1.0])
