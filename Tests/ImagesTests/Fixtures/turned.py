"""Writes turned, transparent and animated pictures beside it, and what Pillow shows of them on white: turned.json.

Needs numpy and Pillow:  python turned.py
"""

import base64
import json
from pathlib import Path

import numpy
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent / "turned"
HEIGHT, WIDTH = 12, 20
ORIENTATION = 0x0112


def smooth(channels, shift=0):
    """A picture [height, width, channels] of slow waves, one for each channel."""
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    waves = [numpy.sin((x + shift) / (4 + c) + c) * numpy.cos(y / (3 + c)) for c in range(channels)]
    return ((numpy.stack(waves, 2) + 1) * 127.5).round().astype(numpy.uint8)


def exif(orientation):
    data = Image.Exif()
    data[ORIENTATION] = orientation
    return data.tobytes()


def big_endian(orientation):
    """The same as a camera of the other byte order writes it, behind another tag."""
    entries = [(0x010F, 2, 4, b"Cam\0"), (ORIENTATION, 3, 1, bytes([0, orientation, 0, 0]))]
    body = b"".join(t.to_bytes(2, "big") + k.to_bytes(2, "big") + n.to_bytes(4, "big") + v for t, k, n, v in entries)
    return b"Exif\0\0MM\0*\0\0\0\x08" + len(entries).to_bytes(2, "big") + body + bytes(4)


def main():
    FOLDER.mkdir(exist_ok=True)
    color = Image.fromarray(smooth(3))
    clear = Image.fromarray(smooth(4), "RGBA")
    later = [Image.fromarray(smooth(4, 3 * k), "RGBA") for k in (1, 2)]
    pictures = {f"{turn}.jpg": (color, dict(quality=95, exif=exif(turn))) for turn in range(1, 9)}
    pictures |= {
        "nine.jpg": (color, dict(quality=95, exif=exif(9))),
        "big-endian.jpg": (color, dict(quality=95, exif=big_endian(6))),
        "turned.png": (clear, dict(exif=exif(6))),
        "turned.webp": (color, dict(lossless=True, exif=exif(8))),
        "clear.webp": (clear, dict(lossless=True, exact=True)),
        "animated.webp": (clear, dict(lossless=True, exact=True, save_all=True, append_images=later, duration=40)),
    }
    expected = {}
    for name, (picture, options) in pictures.items():
        picture.save(FOLDER / name, **options)
        read = ImageOps.exif_transpose(Image.open(FOLDER / name)).convert("RGBA")
        white = Image.new("RGBA", read.size, "white")
        colors = numpy.array(Image.alpha_composite(white, read).convert("RGB"))
        stored = numpy.array(Image.open(FOLDER / name).convert("RGB"))
        expected[name] = {
            "size": list(colors.shape[:2]),
            "colors": base64.b64encode(colors.tobytes()).decode(),
            "stored": base64.b64encode(stored.tobytes()).decode(),
        }
    (FOLDER.parent / "turned.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
