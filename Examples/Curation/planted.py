"""planted.py make DIRECTORY IMAGES OTHERS: 5,000 pictures with 100 near-duplicates and 30 outliers among them.
planted.py check DIRECTORY RUN: how many of them `pretrain curate` has named in the directory RUN.

IMAGES and OTHERS are IDX files, gzipped or not: Fashion-MNIST's, or those of `ShapesToIDX DIRECTORY SEED SIZE`. A third of the
near-duplicates is saved as JPEG of quality 50 to 90, a third is cut by 5 % of each side, a third made darker or brighter. A
third of the outliers are OTHERS, a third is noise, a third upside down with inverted colors. What was planted stands in
DIRECTORY.json. Needs numpy and Pillow.
"""

import csv
import gzip
import json
import pathlib
import random
import sys

import numpy
from PIL import Image, ImageEnhance

COUNT, COPIES, OUTLIERS = 5_000, 100, 30


def idx_images(path):
    """The first images of an IDX file of bytes."""
    data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(rank)]
    pixels = numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)
    return [Image.fromarray(image) for image in pixels[:COUNT]]


def cut(image, chance):
    width, height = image.size
    x, y = max(1, round(0.05 * width)), max(1, round(0.05 * height))
    left, top = chance.randint(0, x), chance.randint(0, y)
    part = image.crop((left, top, left + width - x, top + height - y))
    return part.resize(image.size, Image.BICUBIC) if chance.random() < 0.5 else part


def plant_copy(number, image, directory, chance):
    """Saves a near-duplicate of an image; its name."""
    name = f"copy{number:03d}." + ("jpg" if number % 3 == 0 else "png")
    if number % 3 == 0:
        image.save(directory / name, quality=chance.randint(50, 90))
    elif number % 3 == 1:
        cut(image, chance).save(directory / name)
    else:
        ImageEnhance.Brightness(image).enhance(chance.choice([0.7, 0.8, 1.2, 1.3])).save(directory / name)
    return name


def outlier(number, images, others, chance, noise):
    image = images[0]
    if number % 3 == 0:
        return others[number].convert(image.mode).resize(image.size, Image.BICUBIC)
    if number % 3 == 1:
        return Image.fromarray(noise.integers(0, 256, numpy.asarray(image).shape, numpy.uint8))
    turned = chance.choice(images).transpose(Image.FLIP_TOP_BOTTOM)
    return Image.fromarray(255 - numpy.asarray(turned))


def make(directory, images, others):
    chance, noise = random.Random(1), numpy.random.default_rng(5)
    directory.mkdir(parents=True)
    for number, image in enumerate(images):
        image.save(directory / f"picture{number:05d}.png")
    pairs = []
    for number, index in enumerate(chance.sample(range(len(images)), COPIES)):
        pairs.append([plant_copy(number, images[index], directory, chance), f"picture{index:05d}.png"])
    names = [f"outlier{number:03d}.png" for number in range(OUTLIERS)]
    for number, name in enumerate(names):
        outlier(number, images, others, chance, noise).save(directory / name)
    directory.with_suffix(".json").write_text(json.dumps({"pairs": pairs, "outliers": names}))


def rows(path):
    with open(path, newline="") as file:
        return [[pathlib.Path(field).name for field in row] for row in list(csv.reader(file))[1:]]


def check(directory, run):
    planted = json.loads(directory.with_suffix(".json").read_text())
    pairs = {frozenset(pair) for pair in planted["pairs"]}
    named = {frozenset(row[:2]) for row in rows(run / "duplicates.csv")}
    found = len(pairs & named)
    first = {row[0] for row in rows(run / "outliers.csv")[:50]}
    apart = len(first & set(planted["outliers"]))
    print(f"{found} of {COPIES} copies found, {len(named)} pairs named, {found / max(1, len(named)):.1%} of them planted")
    print(f"{apart} of {OUTLIERS} outliers among the first 50")
    for pair in named - pairs:
        print("not planted:", *sorted(pair))


if __name__ == "__main__":
    command, folder, *files = sys.argv[1:]
    if command == "make":
        make(pathlib.Path(folder), *map(idx_images, files))
    else:
        check(pathlib.Path(folder), pathlib.Path(files[0]))
