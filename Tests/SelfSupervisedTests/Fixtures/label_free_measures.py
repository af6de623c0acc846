"""Writes what numpy makes of the measures without labels: label-free-measures.json.

Each measure is computed from its definition in double precision. Needs numpy and scikit-learn:
python label_free_measures.py
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2] / "Support"))
from formula import centred  # noqa: E402

COUNT, WIDTH = 60, 12


def view(name, noise):
    """Features of a view: what all views share, and noise of its own."""
    shared = centred("images", COUNT * WIDTH).astype(np.float64).reshape(COUNT, WIDTH)
    return shared + noise * centred(name, COUNT * WIDTH).astype(np.float64).reshape(COUNT, WIDTH)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def rank(values):
    share = values / values.sum()
    return float(np.exp(-np.sum(share * np.log(share))))


def lidar(views):
    views = np.stack(views, axis=1)  # [images, views, width]
    means = views.mean(axis=1)
    centered = means - means.mean(axis=0)
    between = centered.T @ centered / (COUNT - 1)
    rest = (views - means[:, None]).reshape(-1, WIDTH)
    within = rest.T @ rest / (COUNT * (views.shape[1] - 1)) + 1e-4 * np.eye(WIDTH)
    values, vectors = np.linalg.eigh(within)
    root = vectors @ np.diag(values ** -0.5) @ vectors.T
    return rank(np.linalg.eigvalsh(root @ between @ root))


def neighbors(x, k):
    cosines = unit(x) @ unit(x).T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1)[:, :k]


def main():
    views = [view(f"view{number}", 0.5) for number in range(4)]
    a, b = unit(views[0]), unit(views[1])
    squares = np.sum((a[:, None] - a[None]) ** 2, axis=2)[np.triu_indices(COUNT, 1)]
    pairs = zip(neighbors(views[0], 5), neighbors(views[1], 5))
    half = COUNT // 2
    turned = [view(f"turned{number}", 0.5) + 0.4 * number for number in range(4)]
    rows = np.concatenate([x[:half] for x in turned])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    model = LogisticRegression(max_iter=10_000, tol=1e-7)
    model.fit((rows - mean) / deviation, np.repeat(np.arange(4), half))
    tests = (np.concatenate([x[half:] for x in turned]) - mean) / deviation
    expected = {
        "alignment": float(np.mean(np.sum((a - b) ** 2, axis=1))),
        "uniformity": float(np.log(np.mean(np.exp(-2 * squares)))),
        "effective_rank": rank(np.linalg.svd(a, compute_uv=False)),
        "lidar": lidar(views),
        "neighbor_overlap": float(np.mean([len(set(x) & set(y)) / 5 for x, y in pairs])),
        "rotation_accuracy": float(model.score(tests, np.repeat(np.arange(4), COUNT - half))),
    }
    path = Path(__file__).parent / "label-free-measures.json"
    path.write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main()
