"""sweep.py PRETRAIN DIRECTORY [--seeds N] [--jobs N] [FLAG=VALUE,VALUE…] [-- FLAGS…]: trains with every combination of
values, and prints a table.

PRETRAIN is the program. Each NAME=A,B before the two dashes is a flag of pretrain (method=simclr,byol) or a number of the
recipe (crop=0.2,0.3: what `pretrain --set` knows); what stands behind the dashes is handed to each run as it is. Runs that
are in DIRECTORY already are left alone, so that a table can grow. A row is one combination: the mean over seeds and, behind
it, the largest less the smallest, of the accuracy by neighbors and of that by ten labels of each class; then images a second
and the largest memory of its runs.

    python Examples/Benchmark/sweep.py .build/release/pretrain sweeps --seeds 3 method=simclr crop=0.2,0.3,0.5 -- --steps 900
"""

import concurrent.futures
import itertools
import json
import pathlib
import subprocess
import sys

FLAGS = {
    "data", "method", "net", "width", "stem", "size", "view-size", "crop", "local-views", "local-size", "epochs", "steps",
    "batch", "optimizer", "learning-rate", "precision", "threads",
}


def parse(words):
    """The program, the directory, options, axes and the flags of all runs."""
    own, rest = (words[: words.index("--")], words[words.index("--") + 1:]) if "--" in words else (words, [])
    program, directory, *own = own
    options, axes = {"seeds": 1, "jobs": 1}, []
    while own:
        word = own.pop(0)
        if word.startswith("--"):
            options[word[2:]] = int(own.pop(0))
        else:
            name, values = word.split("=", 1)
            axes.append([(name, value) for value in values.split(",")])
    return program, pathlib.Path(directory), options, axes, rest


def train(program, directory, combination, seed, rest):
    """Trains one network unless it is there, and returns what its last line says."""
    words = [f"{name}={value}" for name, value in combination] + [word.strip("-") for word in rest]
    out = directory / "_".join([*(word.replace("/", "+") for word in words), str(seed)])
    log = out / "metrics.jsonl"
    if not (log.exists() and '"event":"summary"' in log.read_text()):
        command = [program, *rest, "--seed", str(seed), "--out", str(out), "--overwrite", "--no-report"]
        for name, value in combination:
            command += [f"--{name}", value] if name in FLAGS else ["--set", f"{name}={value}"]
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if code.returncode != 0:
            sys.exit(f"{' '.join(command)}: {code.stderr.strip()}")
    return json.loads(log.read_text().splitlines()[-1])


def cell(values):
    return f"{sum(values) / len(values):.3f} ({max(values) - min(values):.3f})"


def main(words):
    program, directory, options, axes, rest = parse(words)
    directory.mkdir(parents=True, exist_ok=True)
    names = [axis[0][0] for axis in axes]
    print("|", " | ".join(names + ["kNN", "ten labels", "images/s", "MB"]), "|")
    print("|" + "---|" * (len(names) + 4), flush=True)
    with concurrent.futures.ThreadPoolExecutor(options["jobs"]) as pool:
        rows = [
            (combination, [pool.submit(train, program, directory, combination, seed, rest) for seed in range(options["seeds"])])
            for combination in itertools.product(*axes)
        ]
        for combination, runs in rows:
            found = [run.result() for run in runs]
            cells = [value for _, value in combination]
            cells += [cell([run["knn"] for run in found]), cell([run["accuracy_10_labels_trained"] for run in found])]
            cells += [f"{sum(run['images_per_second'] for run in found) / len(found):.0f}"]
            cells += [f"{max(run['peak_rss_mb'] for run in found)}"]
            print("|", " | ".join(cells), "|", flush=True)


main(sys.argv[1:])
