"""letters.py DIRECTORY: draws the letters A to Z in every font of this machine, in two random shades of
gray.

A third data set for runs.py, beside the generated shapes and Fashion-MNIST: the fonts of a machine are
what it has anyway. Every fifth font is kept for evaluating. Needs Pillow.
"""

import pathlib
import random
import subprocess
import sys

from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZE = 36


def fonts():
    """One file of each font that has Latin letters."""
    pattern = [":lang=en", "--format", "%{file}\n"]
    files = sorted(set(subprocess.check_output(["fc-list", *pattern], text=True).split("\n")))
    return [file for file in files if pathlib.Path(file).suffix in (".ttf", ".otf", ".t1", ".pfb")]


def drawn(letter, font, shades):
    """The letter in the middle of a square; None if the font has nothing to show for it."""
    image = Image.new("L", (SIZE, SIZE), shades[0])
    left, top, right, bottom = font.getbbox(letter)
    if right - left < 4 or bottom - top < 4:
        return None
    scale = min((SIZE - 6) / (right - left), (SIZE - 6) / (bottom - top))
    font = font.font_variant(size=font.size * scale)
    left, top, right, bottom = font.getbbox(letter)
    place = ((SIZE - right - left) / 2, (SIZE - bottom - top) / 2)
    ImageDraw.Draw(image).text(place, letter, font=font, fill=shades[1])
    return image


def shades(chance):
    """Two shades of gray that can be told apart."""
    while True:
        pair = [chance.randrange(256) for _ in range(2)]
        if abs(pair[0] - pair[1]) > 80:
            return pair


def main(directory):
    chance = random.Random(0)
    count = 0
    for number, file in enumerate(fonts()):
        try:
            font = ImageFont.truetype(file, 40)
            images = {letter: drawn(letter, font, shades(chance)) for letter in LETTERS}
        except (OSError, ValueError):
            continue
        # A font without letters draws the same box for all.
        if None in images.values() or bytes(font.getmask("A")) == bytes(font.getmask("B")):
            continue
        for letter, image in images.items():
            folder = pathlib.Path(directory, "val" if number % 5 == 0 else "train", letter)
            folder.mkdir(parents=True, exist_ok=True)
            image.save(folder / f"{number}.png")
        count += 1
    print(f"{count} fonts, {count * len(LETTERS)} letters in {directory}")


main(sys.argv[1])
