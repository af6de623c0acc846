"""Logits, running statistics and names of torchvision's residual networks.

    python resnets.py <folder>                       writes resnets.json there
    python resnets.py check <depth> <weights> <logits>   reads what Swift saved, strictly, and compares

Made with torch 2.15 and torchvision 0.29 on one thread; weights and images come from formula.py.
Single precision's logits differ from double's by 7e-7 and 9e-7 of the largest in evaluation mode; in
training mode, where fifty norms magnify rounding, by 8e-6 for ResNet-18 and 1.4e-4 for ResNet-50.
"18 group" is a ResNet-18 with group norm of 32 groups, whose single precision differs by
2e-6 of the largest in both modes.
The second form loads a file that this package saved, and compares logits that it saved beside it.
"""

import json
import pathlib
import sys

import torch
import torchvision
from safetensors.torch import load_file

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
import formula  # noqa: E402

torch.set_num_threads(1)
MAKERS = {
    "18": torchvision.models.resnet18,
    "50": torchvision.models.resnet50,
    "18 group": lambda: torchvision.models.resnet18(
        norm_layer=lambda channels: torch.nn.GroupNorm(32, channels)),
}


def images(count=2):
    return torch.from_numpy(formula.images("resnet", 1, count, 64, 64, 3)).permute(0, 3, 1, 2)


def filled(depth):
    net = MAKERS[depth]()
    state = net.state_dict()
    for name, value in state.items():
        number = torch.from_numpy(formula.entry(name, tuple(value.shape)))
        state[name] = number.to(value.dtype)
    net.load_state_dict(state)
    return net


def main(folder):
    result = {}
    for depth in MAKERS:
        net = filled(depth)
        names = list(net.state_dict())
        with torch.no_grad():
            evaluation = net.eval()(images())
            net.train()
            training = net(images(8))
        norm = net.layer4[1].bn2
        result[depth] = {
            "names": names,
            "evaluation": evaluation.flatten().tolist()[::25],
            "training": training.flatten().tolist()[::100],
        }
        if isinstance(norm, torch.nn.BatchNorm2d):
            result[depth]["runningMean"] = norm.running_mean.tolist()[:32]
            result[depth]["runningVariance"] = norm.running_var.tolist()[:32]
        double = filled(depth).double().eval()
        with torch.no_grad():
            exact = double(images().double())
            print(depth, "evaluation fp32 against fp64", ((evaluation - exact).abs().max() /
                  exact.abs().max()).item(), "max", exact.abs().max().item())
            exact = double.train()(images(8).double())
            print(depth, "training fp32 against fp64", ((training - exact).abs().max() /
                  exact.abs().max()).item(), "max", exact.abs().max().item())
    (folder / "resnets.json").write_text(json.dumps(result))


def check(depth, weights, logits):
    net = MAKERS[depth]()
    net.load_state_dict(load_file(weights), strict=True)
    theirs = load_file(logits)["logits"]
    with torch.no_grad():
        ours = net.eval()(images())
    print(depth, "strict load; logits differ by",
          ((ours - theirs).abs().max() / ours.abs().max()).item(), "of the largest")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(*sys.argv[2:])
    else:
        main(pathlib.Path(sys.argv[1]))
