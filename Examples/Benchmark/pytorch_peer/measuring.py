"""What all commands share: timing, the largest resident size, a line of results."""

import gc
import json
import resource
import statistics
import time

import torch


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def median_seconds(repeats, body):
    """The median of so many runs, after one that is not counted."""
    body()
    return statistics.median(seconds(body) for _ in range(repeats))


def start_afresh():
    """Forgets the largest resident size, so that the next measurement reports its own."""
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def show(**findings):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000
    findings.update(peak_rss_mb=peak, threads=torch.get_num_threads(), torch=torch.__version__)
    print(json.dumps(findings), flush=True)
