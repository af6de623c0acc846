"""Losses, gradients and traces of distillation, by lightly-train's two first losses.

    python distillation.py <folder>

writes distillation-similarities.safetensors, distillation-features.safetensors and
distillation-traces.json there.

Made with torch 2.15, torchvision 0.29, lightly-train 0.18.0 on one thread. Its losses are read from
their files, which need none of the package's dependencies; the head, the queue and the order of both
follow its training_step_impl, without mixup: the views are given. The teacher is a small network in
evaluation mode that looks at the student's view. Weights and views come from formula.py; only results
are stored, as digests.

How far single precision is from double in PyTorch itself: one step, worst gradient, similarities 2.1e-6,
features 4.6e-6 of its norm; the losses of 200 steps of Adam, at most 5.8e-7 and 1.9e-7 in the first 10
steps, 3.0e-4 and 6.8e-6 anywhere.
"""

import importlib.util
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

from reference import SmallResNet, features, fill, one_step, trace

PACKAGE = pathlib.Path(importlib.util.find_spec("lightly_train").submodule_search_locations[0])


def criterion(version, name, **options):
    path = PACKAGE / "_methods" / f"distillation{version}" / f"distillation{version}_loss.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)(**options)


class Distillation:
    def __init__(self, dtype, similarities):
        self.net, self.teacher = SmallResNet(), SmallResNet(width=4)
        width = self.teacher.fc.in_features
        self.projector = nn.Linear(self.net.fc.in_features, width)
        self.parts = [("net", self.net), ("projector", self.projector)]
        self.kept = self.parts
        self.net.to(dtype), self.projector.to(dtype), self.teacher.to(dtype).eval()
        fill(self.net, "net."), fill(self.projector, "projector."), fill(self.teacher, "teacher.")
        self.similarities = similarities
        self.queue = torch.zeros(100, width, dtype=dtype)
        self.criterion = (
            criterion("", "DistillationLoss", temperature=0.07) if similarities
            else criterion("v2", "DistillationV2Loss"))

    def loss(self, view, _):
        with torch.no_grad():
            taught = features(self.teacher, view)
        student = self.projector(features(self.net, view))
        if not self.similarities:
            return self.criterion(teacher_features=taught[:, None], student_features=student[:, None])
        taught, student = F.normalize(taught, dim=-1), F.normalize(student, dim=-1)
        count = len(view)
        self.queue[count:] = self.queue[:-count].clone()
        self.queue[:count] = taught
        return self.criterion(
            teacher_features=taught, student_features=student, queue=self.queue.clone())

    def update(self):
        pass


def main(folder):
    traces = {}
    for name in ("similarities", "features"):
        def make(dtype):
            return Distillation(dtype, name == "similarities")
        one_step(make, folder / f"distillation-{name}.safetensors", whole=False)
        traces[name] = trace(f"distillation-{name}", make, 200, count=24)
    (folder / "distillation-traces.json").write_text(json.dumps(traces))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
