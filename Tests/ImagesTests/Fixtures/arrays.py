"""Writes the files of 16 bits, of floats and of many channels beside it, and what numpy, tifffile, imagecodecs and Pillow
read of them: arrays.json.

Needs numpy, tifffile, imagecodecs and Pillow:  python arrays.py
"""

import base64
import json
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy
import tifffile
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent / "arrays"
HEIGHT, WIDTH = 18, 17


def waves(channels, dtype=numpy.uint16):
    """An array [height, width, channels] of slow waves, or [height, width] for no channels."""
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    planes = [numpy.sin(x / (4 + c) + c) * numpy.cos(y / (3 + c)) for c in range(max(1, channels))]
    values = (numpy.stack(planes, 2) + 1) / 2
    values = values if channels else values[:, :, 0]
    if numpy.issubdtype(dtype, numpy.floating):
        return values.astype(dtype)
    return (values * numpy.iinfo(dtype).max).round().astype(dtype)


def write_arrays():
    arrays = {
        "gray8.npy": waves(0, numpy.uint8), "gray16.npy": waves(0), "five16.npy": waves(5),
        "two16.npy": waves(2), "big16.npy": waves(4).astype(">u2"), "float32.npy": waves(5, numpy.float32),
        "float64.npy": waves(0, numpy.float64), "bigfloat.npy": waves(3, numpy.float32).astype(">f4"),
        "fortran.npy": numpy.asfortranarray(waves(5)),
    }
    for name, array in arrays.items():
        numpy.save(FOLDER / name, array)
    for version in [2, 3]:
        with open(FOLDER / f"version{version}.npy", "wb") as file:
            numpy.lib.format.write_array(file, waves(2), version=(version, 0))


def write_tiffs():
    def write(name, array, photometric="minisblack", **options):
        tifffile.imwrite(FOLDER / name, array, photometric=photometric, metadata=None, **options)

    write("gray8.tif", waves(0, numpy.uint8))
    write("gray16-lzw.tif", waves(0), compression="lzw", predictor=True, rowsperstrip=5)
    write("gray16-big.tif", waves(0), byteorder=">", compression="deflate")
    write("gray16-bigtiff.tif", waves(0), bigtiff=True)
    write("white8.tif", waves(0, numpy.uint8), photometric="miniswhite")
    write("rgb8-deflate.tif", waves(3, numpy.uint8), photometric="rgb", compression="deflate", rowsperstrip=4)
    write("rgb16-tiles.tif", waves(3), photometric="rgb", tile=(16, 16), compression="deflate", predictor=True)
    write("rgba8.tif", waves(4, numpy.uint8), photometric="rgb", extrasamples=["unassalpha"])
    write("rgba16.tif", waves(4), photometric="rgb", extrasamples=["unassalpha"], compression="lzw")
    write("infrared16.tif", waves(4), photometric="rgb", extrasamples=["unspecified"])
    write("five16.tif", waves(5), planarconfig="contig", extrasamples=["unspecified"] * 4)
    planes = numpy.ascontiguousarray(waves(5).transpose(2, 0, 1))
    write("planes16.tif", planes, planarconfig="separate", extrasamples=["unspecified"] * 4, rowsperstrip=8)
    write("planes-tiles.tif", planes, planarconfig="separate", extrasamples=["unspecified"] * 4, tile=(16, 16),
          compression="lzw")
    write("pages16.tif", planes, photometric="minisblack")
    write("float32.tif", waves(0, numpy.float32), compression="deflate", predictor=3)
    write("five-float.tif", waves(5, numpy.float32), planarconfig="contig", extrasamples=["unspecified"] * 4)
    for turn in range(2, 9):
        write(f"turned{turn}.tif", waves(3, numpy.uint8), photometric="rgb", extratags=[(274, "H", 1, turn, True)])
    colors = Image.fromarray(waves(3, numpy.uint8))
    colors.save(FOLDER / "jpeg.tif", compression="jpeg", quality=90)
    colors.quantize(16).save(FOLDER / "palette.tif")
    Image.fromarray(waves(0, numpy.uint8)).convert("1").save(FOLDER / "onebit.tif", compression="group4")


def with_chunk(png, name, data):
    """A PNG file with a chunk more behind its head."""
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return png[:33] + chunk + png[33:]


def write_pngs():
    files = {f"{name}16.png": imagecodecs.png_encode(waves(channels)) for name, channels in
             [("gray", 0), ("rgb", 3), ("rgba", 4)]}
    files["srgb16.png"] = with_chunk(files["rgb16.png"], b"sRGB", b"\0")
    files["gamma16.png"] = with_chunk(files["rgb16.png"], b"gAMA", struct.pack(">I", 45_455))
    for name, data in files.items():
        (FOLDER / name).write_bytes(data)


def values(path):
    """What a file has as values 0...1, of shape [height, width, channels]; opacity as on white."""
    if path.suffix == ".npy":
        array = numpy.load(path)
    elif path.stem in ["jpeg", "palette", "onebit"]:
        array = numpy.array(Image.open(path).convert("RGB"))
    elif path.stem.startswith("turned"):
        array = numpy.array(ImageOps.exif_transpose(Image.open(path)))
    elif path.suffix == ".tif":
        array = tifffile.imread(path)
        if path.stem.startswith("pages"):
            array = array[0]
        if path.stem.startswith("planes"):
            array = array.transpose(1, 2, 0)
    else:
        array = imagecodecs.png_decode(path.read_bytes())
    scale = 1 if array.dtype.kind == "f" else numpy.iinfo(array.dtype).max
    array = array.astype(numpy.float64) / scale
    if path.stem.startswith("white"):
        array = 1 - array
    if path.stem.startswith("rgba"):
        array = array[:, :, :3] * array[:, :, 3:] + 1 - array[:, :, 3:]
    array = array if array.ndim == 3 else array[:, :, None]
    return numpy.repeat(array, 3, 2) if path.name == "gray16.png" else array


def main():
    FOLDER.mkdir(exist_ok=True)
    write_arrays()
    write_tiffs()
    write_pngs()
    expected = {}
    for path in sorted(FOLDER.iterdir()):
        array = values(path)
        bits = numpy.round(array * 65_535).astype("<u2")
        expected[path.name] = {"shape": list(array.shape), "values": base64.b64encode(bits.tobytes()).decode()}
    (FOLDER.parent / "arrays.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
