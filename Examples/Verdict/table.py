"""table.py DIRECTORY: how well measures without labels rank networks, from the runs of runs.py.

For each measure and method: Spearman's rank correlation with the accuracy of kNN over the evaluations of
all runs of the method on a data set, averaged over the data sets; once of the trained networks alone, and
once with the untrained one. Then, of each run, whether the trained network that the measure likes best is
within a point of the best by kNN.
"""

import json
import math
import pathlib
import sys
from collections import defaultdict

SKIPPED = {"event", "epoch", "step", "knn"}
# Lower is better.
FALLING = {"alignment", "uniformity"}


def ranks(values):
    """Places from the least to the greatest; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    places = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            places[order[position]] = (start + end) / 2
        start = end + 1
    return places


def spearman(first, second):
    a, b = ranks(first), ranks(second)
    mean = (len(a) - 1) / 2
    product = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    size = math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    return product / size if size > 0 else math.nan


def read(directory):
    """The evaluations of each run, by (method, data, rate's factor)."""
    runs = {}
    for path in sorted(pathlib.Path(directory).glob("*/metrics.jsonl")):
        data = next(d for d in ("fashion-mnist", "shapes", "letters") if path.parent.name.startswith(d))
        method, factor = path.parent.name[len(data) + 1:].rsplit("-", 1)
        records = [json.loads(line) for line in path.read_text().splitlines()]
        found = [record for record in records if record["event"] == "epoch"]
        if any(record["event"] == "summary" for record in records):
            runs[method, data, factor] = found
    return runs


def correlations(groups, methods, name, first_step):
    """The mean over data sets for each method, of evaluations from a step on."""
    sign = -1 if name in FALLING else 1
    cells = []
    for method in methods:
        found = []
        for (other, _), records in groups.items():
            pairs = [(sign * r[name], r["knn"]) for r in records
                     if r.get(name) is not None and r["step"] >= first_step]
            if other == method and len(pairs) > 2:
                found.append(spearman(*zip(*pairs)))
        found = [value for value in found if not math.isnan(value)]
        cells.append(sum(found) / len(found) if found else math.nan)
    return cells


def kept(runs, choose):
    """In how many runs the network that is chosen is within a point of the best."""
    trained = [[r for r in records if r["step"] > 0] for records in runs.values()]
    return sum(choose(r)["knn"] >= max(e["knn"] for e in r) - 0.01 for r in trained)


def main(directory):
    runs = read(directory)
    names = [name for name in next(iter(runs.values()))[-1] if name not in SKIPPED]
    groups = defaultdict(list)
    for (method, data, _), found in runs.items():
        groups[method, data] += found
    methods = sorted({method for method, _ in groups})
    print(f"{len(runs)} runs\n")
    for title, first_step in (("trained networks", 1), ("and the untrained one", 0)):
        print(f"{title:22}" + "".join(f"{method:>13}" for method in methods) + f"{'mean':>9}{'kept':>9}")
        for name in names:
            sign = -1 if name in FALLING else 1
            cells = correlations(groups, methods, name, first_step)
            usable = [cell for cell in cells if not math.isnan(cell)]
            mean = sum(usable) / len(usable) if usable else math.nan
            best = kept(runs, lambda r: max(r, key=lambda e: sign * e[name] if e[name] is not None else -math.inf))
            print(f"{name:22}" + "".join(f"{cell:13.2f}" for cell in cells) + f"{mean:9.2f}{best:6}/{len(runs)}")
        print()
    print(f"the last network kept: {kept(runs, lambda r: r[-1])}/{len(runs)}")
    print("\nkNN from the untrained network to the last:")
    for key, records in sorted(runs.items()):
        print(f"{' '.join(key):34}" + " ".join(f"{record['knn']:.3f}" for record in records))


main(sys.argv[1])
