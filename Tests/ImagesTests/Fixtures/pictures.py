"""Writes the pictures beside it, and what Pillow and torchvision make of them: pictures.json.

Needs numpy, Pillow, torch and torchvision, and cjpeg of libjpeg-turbo-progs:  python pictures.py
"""

import base64
import io
import json
import struct
import subprocess
import zlib
from pathlib import Path

import numpy
import torch
from PIL import Image, PngImagePlugin
from torchvision.transforms import v2

FOLDER = Path(__file__).parent / "pictures"
HEIGHT, WIDTH, SIDE = 21, 34, 8


def smooth(channels):
    """A picture [height, width, channels] of slow waves, one for each channel."""
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    waves = [numpy.sin(x / (4 + channel) + channel) * numpy.cos(y / (3 + channel)) for channel in range(channels)]
    return ((numpy.stack(waves, 2) + 1) * 127.5).round().astype(numpy.uint8)


def sixteen_bits():
    """A grey PNG of 16 bits, whose bytes Pillow would clip rather than divide."""
    values = smooth(1)[:, :, 0].astype(numpy.uint16) * 257
    return Image.fromarray(values)


def gamma():
    """A PNG's claim of another gamma, which Pillow does not heed."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", (100_000).to_bytes(4, "big"))
    return dict(pnginfo=chunks)


def write_unusual(path, picture):
    """A JPEG with one value of its colours for 4x2 pixels, of which Pillow writes none."""
    ppm = io.BytesIO()
    picture.save(ppm, format="PPM")
    command = ["cjpeg", "-quality", "90", "-sample", "4x2", "-outfile", str(path)]
    subprocess.run(command, input=ppm.getvalue(), check=True)


def write_interlaced(path, picture):
    """A PNG whose pixels come in seven passes, each finer than those before: Pillow only reads such."""
    pixels = numpy.array(picture)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    lines = [
        b"\0" + line.tobytes()
        for top, left, down, across in passes for line in pixels[top::down, left::across]
    ]

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(lines), 9)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def base64_of(array):
    return base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()


def main():
    FOLDER.mkdir(exist_ok=True)
    color = Image.fromarray(smooth(3))
    grey = Image.fromarray(smooth(1)[:, :, 0])
    pictures = {
        "color.jpg": (color, dict(quality=90, subsampling=0)),
        "subsampled.jpg": (color, dict(quality=75, subsampling=2)),
        "progressive.JPEG": (color, dict(quality=80, progressive=True)),
        "grey.jpg": (grey, dict(quality=90)),
        "inks.jpg": (Image.fromarray(smooth(4), "CMYK"), dict(quality=90)),
        "unusual.jpg": (color, write_unusual),
        "interlaced.png": (color, write_interlaced),
        "color.png": (color, {}),
        "transparent.png": (Image.fromarray(smooth(4), "RGBA"), {}),
        "grey.png": (grey, {}),
        "palette.png": (color.quantize(16), {}),
        "sixteen.png": (sixteen_bits(), {}),
        "gamma.png": (color, gamma()),
        "onebit.png": (grey.convert("1"), {}),
        "keyed.png": (color, dict(transparency=(128, 128, 128))),
        "lossless.webp": (color, dict(lossless=True)),
        "lossy.webp": (color, dict(quality=80)),
    }
    fit = v2.Compose([v2.Resize(SIDE, antialias=True), v2.CenterCrop(SIDE)])
    expected = {}
    for name, (picture, options) in pictures.items():
        path = FOLDER / name
        kind = "JPEG" if name.lower().endswith(("jpg", "jpeg")) else None
        if callable(options):
            options(path, picture)
        else:
            picture.save(path, format=kind, **options)
        read = Image.open(io.BytesIO(path.read_bytes()))
        if name == "sixteen.png":
            read = Image.fromarray((numpy.array(read) // 257).astype(numpy.uint8))
        colors = numpy.array(read.convert("RGB"))
        pixels = torch.from_numpy(colors).permute(2, 0, 1).float()
        expected[name] = {
            "size": list(colors.shape[:2]), "colors": base64_of(colors),
            "fitted": base64_of(fit(pixels).permute(1, 2, 0).round().clamp(0, 255).byte().numpy()),
            "grey": base64_of(numpy.array(read.convert("RGB").convert("L"))),
        }
    (FOLDER.parent / "pictures.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
