"""Writes torchvision_augmentations.json: images and what torchvision 0.29 makes of them.

Run with torch 2.15 and torchvision 0.29:  python torchvision_augmentations.py
"""

import json
import pathlib

import torch
import torchvision.transforms.v2.functional as F
from torchvision.transforms import InterpolationMode

torch.manual_seed(0)
cases = {}


def add(name, image):
    """Keeps an image of shape [channels, height, width] as rows of interleaved pixels."""
    image = image.permute(1, 2, 0).contiguous()
    cases[name] = {
        "shape": list(image.shape),
        "values": [round(value, 6) for value in image.flatten().tolist()],
    }


color = torch.rand(3, 7, 9)
color[:, 0, 0], color[:, 0, 1], color[:, 0, 2] = 0.0, 1.0, 0.4
color[1, 1, 0] = color[0, 1, 0]
color = (color * 1e6).round() / 1e6
gray = (torch.rand(1, 6, 5) * 1e6).round() / 1e6
large = (torch.rand(3, 13, 16) * 1e6).round() / 1e6
add("color", color)
add("gray", gray)
add("large", large)

for name, mode in [("bilinear", InterpolationMode.BILINEAR), ("bicubic", InterpolationMode.BICUBIC)]:
    def crop(image, *arguments):
        return F.resized_crop(image, *arguments, interpolation=mode, antialias=True)

    add(f"{name}.up", crop(color, 1, 2, 4, 5, [8, 11]))
    add(f"{name}.down", crop(large, 1, 2, 12, 13, [5, 4]))
    add(f"{name}.mixed", crop(large, 0, 0, 13, 6, [4, 9]))
    add(f"{name}.pixel", crop(color, 3, 4, 1, 1, [3, 2]))
    add(f"{name}.gray", crop(gray, 1, 0, 5, 4, [3, 7]))

for factor in (0.3, 1.7):
    add(f"brightness.{factor}", F.adjust_brightness(color, factor))
    add(f"contrast.{factor}", F.adjust_contrast(color, factor))
    add(f"saturation.{factor}", F.adjust_saturation(color, factor))
for turn in (-0.5, -0.17, 0.2):
    add(f"hue.{turn}", F.adjust_hue(color, turn))
add("contrast.gray", F.adjust_contrast(gray, 1.7))
chain = F.adjust_brightness(F.adjust_hue(color, 0.1), 1.4)
add("chain", F.adjust_saturation(F.adjust_contrast(chain, 0.6), 1.5))

add("grayscale", F.rgb_to_grayscale(color, num_output_channels=3))
add("solarize", F.solarize(color, 0.5))
add("blur.3", F.gaussian_blur(color, [3, 3], [0.8, 0.8]))
add("blur.9", F.gaussian_blur(large, [9, 9], [1.7, 1.7]))
add("blur.tiny", F.gaussian_blur(color, [3, 3], [0.1, 0.1]))
add("normalize", F.normalize(color, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
