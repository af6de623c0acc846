"""Writes what scikit-learn's LogisticRegression makes of a few features: logistic-regression.json.

Needs numpy and scikit-learn:  python logistic_regression.py
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2] / "Support"))
from formula import centred  # noqa: E402

WIDTH, CLASSES, QUERIES = 24, 5, 400


def features(name, count):
    """Rows around the mean of their class, the classes in turn."""
    labels = np.arange(count) % CLASSES
    means = centred("means", CLASSES * WIDTH).reshape(CLASSES, WIDTH)
    return (means[labels] + 2 * centred(name, count * WIDTH).reshape(count, WIDTH)).astype(np.float32), labels


def main():
    queries, query_labels = features("queries", QUERIES)
    expected = []
    for count in (5, 25, 250):
        for c in (0.1, 1.0, 100.0):
            x, labels = features(f"rows{count}", count)
            model = LogisticRegression(C=c, max_iter=10_000, tol=1e-7).fit(x.astype(np.float64), labels)
            expected.append({
                "count": count, "c": c, "accuracy": float(model.score(queries, query_labels)),
                "predictions": [int(label) for label in model.predict(queries)],
            })
    path = Path(__file__).parent / "logistic-regression.json"
    path.write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
