"""Numbers that Python and Swift compute to the same bits, so that fixtures need not hold them.

Every number comes from 24 bits of SplitMix64 at (a key made of a name, a position): see Formula.swift,
which does the same. The scripts under Tests/*/Fixtures import this file.
"""

import numpy as np

MASK = (1 << 64) - 1


def key(name):
    """FNV-1a of the name, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return np.uint64(value)


def bits(name, count):
    """The first `count` outputs of SplitMix64 from the name's key."""
    with np.errstate(over="ignore"):
        z = key(name) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def integers(name, count):
    """Integers in 0 ..< 2^24."""
    return (bits(name, count) >> np.uint64(40)).astype(np.int64)


def centred(name, count):
    """Floats in -1 ..< 1, exact."""
    return ((integers(name, count) - (1 << 23)) / float(1 << 23)).astype(np.float32)


def entry(name, shape, prefix=""):
    """What a state dictionary's entry starts as: He-uniform weights, norms away from their defaults."""
    count = int(np.prod(shape)) if shape else 1
    u = centred(prefix + name, count)
    one = np.float32(1)
    if name.endswith("num_batches_tracked"):
        u = np.zeros(count, np.float32)
    elif name.endswith("running_var"):
        u = one + np.float32(0.5) * u
    elif name.endswith("running_mean") or name.endswith("bias"):
        u = np.float32(0.125) * u
    elif len(shape) <= 1:
        u = one + np.float32(0.25) * u
    else:
        u = np.sqrt(np.float32(6) / np.float32(count // shape[0])) * u
    return u.reshape(shape)


def images(name, view, count, height, width, channels):
    """A view of `count` images [count, height, width, channels] in 0 ..< 1.

    Half of it are 4x4 patches that both views share; the rest is a colour and noise of the view's own.
    """
    n, y, x, c = np.ix_(np.arange(count), np.arange(height), np.arange(width), np.arange(channels))
    rows, columns = (height + 3) // 4, (width + 3) // 4
    patches = integers(name, count * rows * columns * channels)
    colours = integers(f"{name}/{view}/colour", count * channels)
    noise = integers(f"{name}/{view}/noise", count * height * width * channels)
    total = (
        8 * patches[((n * rows + y // 4) * columns + x // 4) * channels + c]
        + 4 * colours[n * channels + c]
        + 4 * noise[((n * height + y) * width + x) * channels + c]
    )
    return (total / float(1 << 28)).astype(np.float32)


def digest(values):
    """The norm of an array and four sums of it under fixed signs, in double precision."""
    flat = np.asarray(values, np.float64).reshape(-1)
    signs = bits("signs", flat.size)
    result = [float(np.sqrt(np.sum(flat * flat)))]
    for number in range(4):
        sign = 1.0 - 2.0 * ((signs >> np.uint64(number)) & np.uint64(1)).astype(np.float64)
        result.append(float(np.sum(flat * sign)))
    return result
