"""Losses, gradients, pair counts and traces of PixPro and PixContrast.

    python pixelcl.py <folder>        writes pixelcl-*.safetensors and pixelcl-traces.json there

Made with torch 2.15, kornia 0.9 and pixel-level-contrastive-learning 0.1.1 on one thread. Kinds that
begin with "lucidrains" are that package itself: only its crops, flips and colours come from outside.
Kinds that begin with "official" are plain PyTorch from the formulas: PixPro's of its authors' code,
PixContrast's of the paper. Weights, images and regions come from formula.py; only results are stored.

The official PixPro loss is stored as published, in -4...4 for the pixels' part.

How far single precision is from double in PyTorch itself, which bounds what a test may ask: one step,
worst gradient: 6.2e-6 of its norm, on images in which no activation is so near zero that rounding could
decide whether ReLU lets it through (the script asserts it: on others a single one is worth 5e-4); the
losses of 200 steps of Adam at the package's 1e-4: 1.1e-6 in the first 10 steps, 4.7e-3 anywhere, 8.4e-4
in the mean of the last 20.
"""

import copy
import json
import pathlib
import sys

import pixel_level_contrastive_learning.pixel_level_contrastive_learning as package
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parent))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
import formula  # noqa: E402
from reference import SmallResNet, fill, mlp  # noqa: E402

torch.set_num_threads(1)

HEIGHT, WIDTH = 24, 32          # maps of 6x8
PROJECTION, HIDDEN = 32, 64
THRESHOLD, TEMPERATURE = 0.7137, 0.3    # not 0.7, at which some pairs lie exactly


def images(name, count, dtype):
    values = torch.from_numpy(formula.images(name, 1, count, HEIGHT, WIDTH, 3))
    return values.permute(0, 3, 1, 2).contiguous().to(dtype)


def regions(name, count):
    """(top, left, height, width, flipped), sides of half the image up to all of it."""
    drawn = formula.integers(name, count * 5).reshape(count, 5)
    found = []
    for a, b, c, d, e in drawn.tolist():
        height, width = HEIGHT // 2 + a % (HEIGHT // 2 + 1), WIDTH // 2 + b % (WIDTH // 2 + 1)
        found.append((c % (HEIGHT - height + 1), d % (WIDTH - width + 1), height, width, e % 4 == 0))
    return found


def conv_mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU(),
        nn.Conv2d(hidden, outputs, 1))


class Package:
    """pixel-level-contrastive-learning, with crops and flips that come from outside."""

    per_image = False

    def __init__(self, pixpro, dtype, layers=1, gamma=2):
        net = SmallResNet()
        same = lambda x: x  # noqa: E731
        package.cutout_coordinates = self.next_crop
        package.rand_true = lambda _: self.flips.pop(0)
        self.crops, self.flips = self.queue([(0, 0, 32, 32, False)] * 2)
        self.learner = package.PixelCL(
            net, 32, hidden_layer_pixel="layer3", hidden_layer_instance="avgpool",
            projection_size=PROJECTION, projection_hidden_size=HIDDEN, augment_fn=same,
            ppm_num_layers=layers, ppm_gamma=gamma, distance_thres=THRESHOLD,
            similarity_temperature=TEMPERATURE, alpha=0.75, use_pixpro=pixpro)
        self.learner.to(dtype)
        encoder = self.learner.online_encoder
        self.parts = {"net": net, "projector": encoder.instance_projector.net,
                      "pixelProjector": encoder.pixel_projector.net,
                      "predictor": self.learner.online_predictor.net}
        if pixpro:
            self.parts["propagation.transform"] = self.learner.propagate_pixels.transform_net
        for name in ("net", "projector", "pixelProjector"):
            fill(self.parts[name], f"target.{name}.")
        self.learner.reset_moving_average()
        copied = self.learner._get_target_encoder()
        self.target = {"net": copied.net, "projector": copied.instance_projector.net,
                       "pixelProjector": copied.pixel_projector.net}
        for name, module in self.parts.items():
            fill(module, name + ".")

    def next_crop(self, image, ratio_range):
        return self.crops.pop(0)

    def queue(self, drawn):
        crops = [(((t, t + h), (x, x + w)), 1.0) for t, x, h, w, _ in drawn]
        return crops, [flipped for *_, flipped in drawn]

    def loss(self, x, first, second):
        self.crops, self.flips = self.queue([first[0], second[0]])
        loss, pairs = self.learner(x, return_positive_pairs=True)
        return loss, int(pairs) * len(x)

    def update(self):
        self.learner.update_moving_average()


class Formulas:
    """The authors' pixel consistency, or the paper's contrast, on regions of each image's own."""

    per_image = True

    def __init__(self, pixpro, dtype, layers=1, gamma=2):
        self.pixpro, self.gamma = pixpro, gamma
        net = SmallResNet()
        self.parts = {"net": net, "projector": mlp(48, HIDDEN, PROJECTION),
                      "pixelProjector": conv_mlp(24, HIDDEN, PROJECTION),
                      "predictor": mlp(PROJECTION, HIDDEN, PROJECTION)}
        if pixpro:
            self.parts["propagation.transform"] = [
                nn.Identity(), nn.Conv2d(PROJECTION, PROJECTION, 1),
                conv_mlp(PROJECTION, PROJECTION, PROJECTION)][layers]
        for module in self.parts.values():
            module.to(dtype)
        averaged = ("net", "projector", "pixelProjector")
        for name in averaged:
            fill(self.parts[name], f"target.{name}.")
        self.target = {name: copy.deepcopy(self.parts[name]) for name in averaged}
        for name, module in self.parts.items():
            fill(module, name + ".")

    def run(self, parts, x):
        kept = {}
        net = parts["net"]
        handles = [getattr(net, layer).register_forward_hook(
            lambda m, i, o, layer=layer: kept.__setitem__(layer, o)) for layer in ("layer3", "avgpool")]
        net(x)
        for handle in handles:
            handle.remove()
        return parts["pixelProjector"](kept["layer3"]), parts["projector"](kept["avgpool"].flatten(1))

    def propagated(self, x):
        unit = F.normalize(x, dim=1).flatten(2)
        values = F.normalize(self.parts["propagation.transform"](x), dim=1).flatten(2)
        likeness = torch.einsum("nci,ncj->nij", unit, unit).clamp(min=0) ** self.gamma
        return torch.einsum("nij,ncj->nci", likeness, values)

    def centres(self, region, h, w, dtype):
        """The centres of the cells and their diagonal, with the image's pixels from 0 to 1."""
        top, left, height, width, flipped = region
        y = [top / (HEIGHT - 1), (top + height - 1) / (HEIGHT - 1)]
        x = [left / (WIDTH - 1), (left + width - 1) / (WIDTH - 1)]
        if flipped:
            x.reverse()
        step = (y[1] - y[0]) / h, (x[1] - x[0]) / w
        rows = (torch.arange(h, dtype=dtype) + 0.5) * step[0] + y[0]
        columns = (torch.arange(w, dtype=dtype) + 0.5) * step[1] + x[0]
        places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
        return places, (step[0] ** 2 + step[1] ** 2) ** 0.5

    def mask(self, first, second, h, w, dtype):
        found = []
        for one, other in zip(first, second):
            (p, a), (q, b) = (self.centres(r, h, w, torch.float64) for r in (one, other))
            found.append(torch.linalg.norm(p[:, None] - q[None], dim=-1) / max(a, b))
        distances = torch.stack(found)
        assert (distances - THRESHOLD).abs().min() > 3e-7, "a pair lies on the threshold"
        return (distances < THRESHOLD).to(dtype)

    def pixel_loss(self, online, target, mask):
        q = F.normalize(self.propagated(online) if self.pixpro else online.flatten(2), dim=1)
        k = F.normalize(target, dim=1).flatten(2).detach()
        cosine = torch.einsum("nci,ncj->nij", q, k)
        if self.pixpro:
            agreement = (cosine * mask).sum((1, 2)) / (mask.sum((1, 2)) + 1e-6)
            return -2 * agreement.mean()
        weights = torch.exp(cosine / TEMPERATURE)
        images = []
        for weight, positive in zip(weights, mask):
            rows = [-torch.log(weight[i][positive[i] > 0].sum() / weight[i].sum())
                    for i in range(len(weight)) if positive[i].any()]
            images.append(torch.stack(rows).mean() if rows else weight.sum() * 0)
        return torch.stack(images).mean()

    def loss(self, x, first, second):
        def view(regions):
            made = []
            for image, (top, left, height, width, flipped) in zip(x, regions):
                part = image[None, :, top:top + height, left:left + width]
                part = F.interpolate(part, (HEIGHT, WIDTH), mode="nearest")
                made.append(part.flip(-1) if flipped else part)
            return torch.cat(made)

        views = view(first), view(second)
        pixels, z = zip(*[self.run(self.parts, v) for v in views])
        with torch.no_grad():
            pixel_targets, t = zip(*[self.run(self.target, v) for v in views])
        h, w = pixels[0].shape[2:]
        mask = self.mask(first, second, h, w, x.dtype)
        p = [self.parts["predictor"](v) for v in z]
        cosine = lambda a, b: F.cosine_similarity(a, b, dim=1).mean()  # noqa: E731
        instances = (2 - 2 * cosine(p[0], t[1])) + (2 - 2 * cosine(p[1], t[0]))
        both = (self.pixel_loss(pixels[0], pixel_targets[1], mask)
                + self.pixel_loss(pixels[1], pixel_targets[0], mask.transpose(1, 2)))
        return 0.75 * (both if self.pixpro else both / 2) + instances, int(mask.sum())

    def update(self, decay=0.99):
        for name, old in self.target.items():
            for a, b in zip(self.parts[name].parameters(), old.parameters()):
                b.data = b.data * decay + (1 - decay) * a.data


KINDS = {
    "lucidrains-pixpro": (Package, True), "lucidrains-contrast": (Package, False),
    "official-pixpro": (Formulas, True), "official-contrast": (Formulas, False),
}


def make(kind, dtype, **options):
    maker, pixpro = KINDS[kind]
    return maker(pixpro, dtype, **options)


def step(learner, name, count, dtype):
    pair = [regions(f"{name}/{n}", count) for n in (1, 2)]
    return learner.loss(images(name, count, dtype), *pair)


def watch_activations(learner):
    """A list that will hold the distance from zero of the nearest input of each ReLU."""
    nearest = []
    for modules in learner.parts.values():
        for module in modules.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_pre_hook(
                    lambda m, i: nearest.append(i[0].detach().abs().min().item()))
    return nearest


def one_step(kind, path, count=8, **options):
    """The loss, the pairs, a digest of every gradient and the running statistics of one pass."""
    norms, results = {}, {}
    for dtype in (torch.float64, torch.float32):
        learner = make(kind, dtype, **options)
        nearest = watch_activations(learner)
        loss, pairs = step(learner, "other", count, dtype)
        assert min(nearest) > 1e-6, "rounding would decide about an activation"
        loss.backward()
        results = {"loss": loss.detach().reshape(1), "pairs": torch.tensor([float(pairs)])}
        for part, module in learner.parts.items():
            for name, parameter in module.named_parameters():
                if parameter.grad is not None:
                    norms.setdefault(f"{part}.{name}", []).append(parameter.grad.double())
                    results[f"gradient.{part}.{name}"] = torch.tensor(
                        formula.digest(parameter.grad.numpy()))
        for prefix, group in (("", learner.parts), ("target.", learner.target)):
            for part, module in group.items():
                for name, buffer in module.named_buffers():
                    if buffer.dtype.is_floating_point:
                        results[f"buffer.{prefix}{part}.{name}"] = torch.tensor(
                            formula.digest(buffer.numpy()))
        print(kind, options, dtype, loss.item(), pairs)
    total = sum(a.norm() ** 2 for a, _ in norms.values()) ** 0.5
    worst = sorted(((a - b).norm() / a.norm(), n) for n, (a, b) in norms.items()
                   if a.norm() > 1e-6 * total)[-2:]
    print("  gradients fp32 against fp64, worst:", [(n, f"{e:.1e}") for e, n in worst])
    save_file({k: v.float().contiguous().clone() for k, v in results.items()}, path)


def trace(kind, steps=200, count=8, dtype=torch.float32):
    learner = make(kind, dtype)
    parameters = [p for module in learner.parts.values() for p in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-4)
    losses, pairs = [], []
    for number in range(steps):
        optimizer.zero_grad()
        loss, found = step(learner, f"trace{number}", count, dtype)
        loss.backward()
        optimizer.step()
        learner.update()
        losses.append(loss.item())
        pairs.append(found)
    return losses, pairs


def main(folder):
    for kind in KINDS:
        one_step(kind, folder / f"pixelcl-{kind}.safetensors")
    for kind in ("lucidrains-pixpro", "official-pixpro"):
        one_step(kind, folder / f"pixelcl-{kind}-deep.safetensors", layers=2, gamma=3)
    traces = {}
    for kind in KINDS:
        (losses, pairs), (exact, _) = trace(kind), trace(kind, dtype=torch.float64)
        off = [abs(a - b) / max(1, abs(b)) for a, b in zip(losses, exact)]
        means = sum(losses[-20:]) / 20, sum(exact[-20:]) / 20
        print(kind, "trace:", losses[0], losses[-1], "pairs", min(pairs), max(pairs),
              "fp32 against fp64: first 10", f"{max(off[:10]):.1e}", "worst", f"{max(off):.1e}",
              "last 20", means)
        traces[kind] = {"losses": losses, "pairs": pairs}
    (folder / "pixelcl-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
