"""Color pictures with classes from a Debian package, for where nothing may be downloaded but packages.

    python game_pictures.py FOLDER [--package wesnoth-1.16-data] [--most 400]

writes FOLDER/train/CLASS/*.png and FOLDER/test/CLASS/*.png: the units, terrains and things of the game
Battle for Wesnoth, with classes that its directories name. `apt-get download` fetches the package, which is
not installed; --package may be its .deb file.

A unit has up to a hundred pictures, of which each differs little from the next. All of them are on one
side: of each class's units, tile sets and things every fourth is in test, so that no neighbor in train is
another picture of the same figure.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

# Directories below core/images, the first that fits: who stands there, what the ground is, what lies there.
CLASSES = {
    "humans": ["units/human-", "units/dunefolk", "units/transport"],
    "elves": ["units/elves-wood", "units/woses"],
    "dwarves": ["units/dwarves"],
    "orcs": ["units/orcs", "units/goblins", "units/trolls", "units/ogres"],
    "undead": ["units/undead"],
    "drakes": ["units/drakes"],
    "lizards": ["units/saurians", "units/nagas", "units/merfolk"],
    "monsters": ["units/monsters"],
    "water": ["terrain/water", "terrain/swamp"],
    "buildings": ["terrain/castle", "terrain/village", "terrain/walls"],
    "plants": ["terrain/forest", "terrain/embellishments", "terrain/mushrooms"],
    "rocks": ["terrain/mountains", "terrain/hills", "terrain/desert_mountains", "terrain/cave",
              "terrain/unwalkable", "terrain/chasm"],
    "weapons": ["attacks"],
    "things": ["items", "scenery"],
    "faces": ["portraits"],
}
LEAST_SIDE = 24


def size(path):
    """The width and height that a PNG file's head has."""
    head = path.read_bytes()[:24]
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def figure(path):
    """What a picture is of: its name up to the first word or number of a pose, as in elf-attack-2."""
    return re.split(r"[-_+@~]?(?:attack|defend|idle|die|death|melee|ranged|magic|bow|sword|stand|move|run|"
                    r"fire|cast|heal|lead|fly|land|n|s|ne|nw|se|sw|tile|\d+)\b|\d", path.stem)[0] or path.stem


def sorted_pictures(images):
    """The pictures of each class."""
    found = {name: [] for name in CLASSES}
    for path in sorted(images.rglob("*.png")):
        place = str(path.relative_to(images))
        name = next((name for name, places in CLASSES.items() if place.startswith(tuple(places))), None)
        if name and min(size(path)) >= LEAST_SIDE:
            found[name].append(path)
    return found


def write(pictures, folder, most):
    for name, paths in pictures.items():
        groups = {}
        for path in paths:
            groups.setdefault((str(path.parent), figure(path)), []).append(path)
        # The share of each group that keeps the class below `most`, evenly over its pictures.
        step = max(1, -(-len(paths) // most))
        for number, key in enumerate(sorted(groups)):
            part = "test" if number % 4 == 3 else "train"
            target = folder / part / name
            target.mkdir(parents=True, exist_ok=True)
            for path in groups[key][::step]:
                shutil.copyfile(path, target / f"{path.parent.name}-{path.name}")
        counts = {part: len(list((folder / part / name).glob("*"))) for part in ("train", "test")}
        print(f"{name:10} {len(groups):4} figures, {counts['train']:4} to train on, {counts['test']:4} to test")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--package", default="wesnoth-1.16-data")
    parser.add_argument("--most", type=int, default=400, help="pictures of a class")
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} is there already")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        package = pathlib.Path(options.package)
        if package.suffix != ".deb":
            subprocess.run(["apt-get", "download", options.package], cwd=scratch, check=True)
            package = next(scratch.glob("*.deb"))
        subprocess.run(["dpkg-deb", "-x", package.resolve(), scratch / "files"], check=True)
        images = next((scratch / "files").rglob("data/core/images"), None)
        if images is None:
            parser.error(f"{options.package} has no pictures of the game")
        write(sorted_pictures(images), options.folder, options.most)


if __name__ == "__main__":
    main()
