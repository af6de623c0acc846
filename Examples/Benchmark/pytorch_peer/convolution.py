"""The convolutions that `benchmark convolution` times, by oneDNN in channels-last."""

import re

import torch
from measuring import median_seconds, show, start_afresh


def add_flags(parser):
    parser.add_argument("--cases", nargs="+", required=True, help="such as 'r18 32x32 3->64 k3 s1'")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])


def run(arguments):
    for case in arguments.cases:
        start_afresh()
        show(convolution=case, batch=arguments.batch, **measured(case, arguments))


def measured(case, arguments):
    found = re.fullmatch(r"\S+ (\d+)x\d+ (\d+)->(\d+) k(\d+) s(\d+)(?: g(\d+))?", case).groups("1")
    size, inputs, outputs, kernel, stride, groups = map(int, found)
    precision = getattr(torch, arguments.precision)
    images = channels_last(precision, arguments.batch, inputs, size, size)
    weight = channels_last(precision, outputs, inputs // groups, kernel, kernel)

    def convolve(x, w):
        return torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2, groups=groups)

    result = convolve(images, weight)
    gradient = torch.ones_like(result)

    def backward(x, w, wanted):
        # The pass forward is part of the graph but not of the time.
        output = convolve(x, w)
        return median_seconds(
            arguments.repeats,
            lambda: torch.autograd.grad(output, wanted, gradient, retain_graph=True))

    x, w = images.detach().requires_grad_(), weight.detach().requires_grad_()
    times = {
        "forward": median_seconds(arguments.repeats, lambda: convolve(images, weight)),
        "input_gradient": backward(x, weight, x),
        "weight_gradient": backward(images, w, w),
    }
    operations = 2 * result.numel() * inputs // groups * kernel * kernel
    return {name: operations / time / 1e9 for name, time in times.items()}


def channels_last(precision, *shape):
    return torch.randn(shape).to(precision).to(memory_format=torch.channels_last)
