"""The vote of the nearest neighbours by scikit-learn and by torch's products."""

import numpy
import torch
from measuring import median_seconds, show, start_afresh

TEMPERATURE = 0.07


def add_flags(parser):
    parser.add_argument("--bank", type=int, default=60_000)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)


def run(arguments):
    bank = torch.randn(arguments.bank, arguments.width)
    queries = torch.randn(arguments.queries, arguments.width)
    labels = torch.arange(arguments.bank) % 10
    k = arguments.k
    ways = {
        "scikit-learn": lambda: by_scikit_learn(bank, labels, queries, k),
        "torch, 1000 at a time": lambda: by_torch(bank, labels, queries, k, rows=1_000),
        "torch, all at once": lambda: by_torch(bank, labels, queries, k, rows=len(queries)),
    }
    for by, body in ways.items():
        start_afresh()
        time = median_seconds(arguments.repeats, body)
        show(by=by, ms_median=round(time * 1e3),
             queries_per_second=round(arguments.queries / time))


def by_scikit_learn(bank, labels, queries, k):
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute",
        weights=lambda distances: numpy.exp((1 - distances) / TEMPERATURE))
    return classifier.fit(bank.numpy(), labels.numpy()).predict(queries.numpy())


@torch.inference_mode()
def by_torch(bank, labels, queries, k, rows):
    bank = torch.nn.functional.normalize(bank).T
    predicted = []
    for chunk in torch.nn.functional.normalize(queries).split(rows):
        similarities, indices = (chunk @ bank).topk(k)
        votes = torch.zeros(len(chunk), 10)
        votes.scatter_add_(1, labels[indices], (similarities / TEMPERATURE).exp())
        predicted.append(votes.argmax(1))
    return torch.cat(predicted)
