"""Principal components of a small matrix by numpy's singular values: python3 principal_components.py"""
import json
import pathlib

import numpy

rows, width, count = 12, 5, 3
# The matrix that the test makes for itself.
matrix = numpy.array(
    [[((7 * r * r + 3 * r * c + 11 * c) % 17) / (1 + c) for c in range(width)] for r in range(rows)])
centered = matrix - matrix.mean(axis=0)
left, values, directions = numpy.linalg.svd(centered, full_matrices=False)
signs = numpy.array([numpy.sign(d[numpy.abs(d).argmax()]) for d in directions])
directions = directions * signs[:, None]
path = pathlib.Path(__file__).with_suffix(".json").parent / "principal-components.json"
path.write_text(json.dumps({
    "directions": directions[:count].round(7).tolist(),
    "variances": (values[:count] ** 2 / (rows - 1)).round(7).tolist(),
    "shares": (values[:count] ** 2 / (values ** 2).sum()).round(7).tolist(),
    "scores": (centered @ directions[:count].T).round(7).tolist(),
    "all_variances": (values ** 2 / (rows - 1)).round(7).tolist(),
}, indent=1) + "\n")
