"""Logits, gradients and names of vision transformers of timm, torchvision and Hugging Face.

    python vision_transformers.py <folder>                 writes vision_transformers.json there
    python vision_transformers.py check <weights> <logits>   timm reads what Swift saved, strictly, and compares

Made with torch 2.15, timm 1.0.31, torchvision 0.29 and transformers 5.24 on one thread; weights and
images come from formula.py. "names" are those of the state dictionary, in its order.
"""

import json
import pathlib
import sys

import timm.models.vision_transformer
import torch
import torchvision
import transformers
from safetensors.torch import load_file

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
import formula  # noqa: E402

torch.set_num_threads(1)


def timm_net(**settings):
    return timm.models.vision_transformer.VisionTransformer(
        **(dict(img_size=32, patch_size=8, embed_dim=128, depth=2, num_heads=2, num_classes=5, dynamic_img_size=True)
           | settings))


def hugging_face(kind, **settings):
    config = getattr(transformers, kind + "Config")(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8, layer_norm_eps=1e-6,
        **settings)
    return getattr(transformers, kind + "Model")(config)


NETS = {
    "plain": timm_net,
    "registers": lambda: timm_net(reg_tokens=4, no_embed_class=True, init_values=1e-5),
    "average": lambda: timm_net(class_token=False, global_pool="avg", qkv_bias=False),
    "average of normed": lambda: timm_net(class_token=False, global_pool="avg", fc_norm=False),
    "positioned registers": lambda: timm_net(reg_tokens=2, init_values=1e-5),
    "torchvision": lambda: torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=128, mlp_dim=512, num_classes=5),
    "ViT": lambda: hugging_face("ViT", intermediate_size=512),
    "Dinov2": lambda: hugging_face("Dinov2"),
    "Dinov2WithRegisters": lambda: hugging_face("Dinov2WithRegisters"),
}


def images(height, width):
    numbers = formula.images("vit", 1, 2, max(height, width), max(height, width), 3)[:, :height, :width]
    return torch.from_numpy(numbers.copy()).permute(0, 3, 1, 2)


def filled(name):
    net = NETS[name]()
    state = net.state_dict()
    net.load_state_dict({key: torch.from_numpy(formula.entry(key, tuple(value.shape))) for key, value in state.items()})
    return net.eval()


def output(net, x):
    if isinstance(net, transformers.PreTrainedModel):
        return net(x).last_hidden_state[:, 0]
    return net(x)


def main(folder):
    result = {}
    for name in NETS:
        net = filled(name)
        small = output(net, images(32, 32))
        result[name] = {
            "names": list(net.state_dict()), "shapes": [list(v.shape) for v in net.state_dict().values()],
            "output": small.flatten().tolist()[:256],
        }
        exact = output(filled(name).double(), images(32, 32).double())
        print(name, "fp32 against fp64", ((small - exact).abs().max() / exact.abs().max()).item(),
              "largest", exact.abs().max().item())
        if isinstance(net, timm.models.vision_transformer.VisionTransformer):
            small.square().sum().backward()
            result[name]["gradients"] = {
                key: formula.digest(value.grad.numpy()) for key, value in net.named_parameters()}
            with torch.no_grad():
                result[name]["wide"] = net(images(40, 64)).flatten().tolist()
                result[name]["low"] = net(images(16, 24)).flatten().tolist()
    (folder / "vision_transformers.json").write_text(json.dumps(result))


def check(weights, logits):
    net = timm_net(reg_tokens=4, no_embed_class=True, init_values=1e-5)
    net.load_state_dict(load_file(weights), strict=True)
    theirs = load_file(logits)["logits"]
    with torch.no_grad():
        ours = net.eval()(images(32, 32))
    print("strict load; logits differ by", ((ours - theirs).abs().max() / ours.abs().max()).item(), "of the largest")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(*sys.argv[2:])
    else:
        main(pathlib.Path(sys.argv[1]))
