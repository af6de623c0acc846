"""Fine-tunes the network of a run of pretrain in PyTorch, on a folder with a subfolder for each class.

    python fine_tune.py runs/1/backbone.safetensors PICTURES [EPOCHS]

Needs torch, torchvision and safetensors. Prints the loss of each epoch and the accuracy on the tenth of
the pictures that it does not train on, and writes fine-tuned.pth.
"""

import sys

import torch
from resnet import load_resnet
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

backbone, folder, epochs = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["10"])[0])
torch.manual_seed(0)
classes = len(ImageFolder(folder).classes)
net, words = load_resnet(backbone, classes)
size = [int(side) for side in words["image_size"].split("x")]

# Values are 0...1 as in the run: no Normalize behind ToDtype.
to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
training = ImageFolder(folder, v2.Compose([v2.RandomResizedCrop(size), v2.RandomHorizontalFlip(), *to_tensor]))
test = ImageFolder(folder, v2.Compose([v2.Resize(size), *to_tensor]))
order = torch.randperm(len(training)).tolist()
held_back = max(1, len(order) // 10)
loader = DataLoader(Subset(training, order[held_back:]), batch_size=32, shuffle=True)

# What is new learns faster than what was trained before.
others = [parameter for name, parameter in net.named_parameters() if not name.startswith("fc.")]
optimizer = torch.optim.SGD(
    [{"params": others, "lr": 0.01}, {"params": net.fc.parameters(), "lr": 0.1}], momentum=0.9, weight_decay=1e-4
)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
for epoch in range(epochs):
    net.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    schedule.step()
    net.eval()
    with torch.no_grad():
        right = sum(
            (net(images).argmax(1) == labels).sum().item()
            for images, labels in DataLoader(Subset(test, order[:held_back]), batch_size=32)
        )
    print(f"epoch {epoch + 1}: loss {total / (len(order) - held_back):.3f}, accuracy {right / held_back:.3f}")
torch.save(net.state_dict(), "fine-tuned.pth")
