"""onnxruntime_peer.py MODEL COUNT [THREADS]: how many images a second onnxruntime takes through a model of `pretrain export`.

Beside it, `pretrain embed` says how many this package takes, with the reading of their files. Needs onnxruntime.
"""

import sys
import time

import numpy
import onnxruntime

BATCH = 256


def main(path, count, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    shape = [BATCH] + session.get_inputs()[0].shape[1:]
    images = numpy.random.default_rng(0).random(shape, dtype=numpy.float32)
    session.run(None, {"images": images})
    start = time.perf_counter()
    for _ in range(count // BATCH):
        session.run(None, {"images": images})
    print(f"{count // BATCH * BATCH / (time.perf_counter() - start):.0f} images/s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2)
