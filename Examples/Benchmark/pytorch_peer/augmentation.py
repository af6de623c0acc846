"""SimCLR's views by torchvision, image by image, and by kornia, a batch at a time."""

import torch
from measuring import median_seconds, show, start_afresh


def add_flags(parser):
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)


def run(arguments):
    size = arguments.size
    batch = torch.rand(arguments.images, 3, size, size)
    kernel = size // 10 // 2 * 2 + 1
    single, joint = by_torchvision(size, kernel), by_kornia(size, kernel)
    ways = {
        "torchvision": lambda: torch.stack([single(image) for image in batch]),
        "kornia": lambda: joint(batch),
    }
    for by, body in ways.items():
        start_afresh()
        time = median_seconds(arguments.repeats, body)
        show(by=by, size=size, ms_median=round(time * 1e3, 2),
             views_per_second=round(arguments.images / time))


def by_torchvision(size, kernel):
    from torchvision.transforms import v2

    return v2.Compose([
        v2.RandomResizedCrop(size, interpolation=v2.InterpolationMode.BICUBIC, antialias=True),
        v2.RandomHorizontalFlip(),
        v2.RandomApply([v2.ColorJitter(0.8, 0.8, 0.8, 0.2)], 0.8),
        v2.RandomGrayscale(0.2),
        v2.RandomApply([v2.GaussianBlur(kernel, (0.1, 2.0))], 0.5),
    ])


def by_kornia(size, kernel):
    import kornia.augmentation as K

    return K.AugmentationSequential(
        K.RandomResizedCrop((size, size), scale=(0.08, 1.0), resample="bicubic"),
        K.RandomHorizontalFlip(),
        K.ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((kernel, kernel), (0.1, 2.0), p=0.5),
        data_keys=["input"],
    )
