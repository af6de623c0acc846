// The transforms of five pixels that the points 0, 1, -1, 2 and infinity have in common.
#pragma once
#include "../lanes.h"

/// Bᵀ, from the pixels to the points.
INLINE void input(const Lanes *d, Lanes *v) {
  Lanes step = d[3] - d[1], near = d[3] - d[2];
  v[0] = step + 2 * (d[0] - d[2]);
  v[1] = near - 2 * d[1];
  v[2] = near + 2 * (d[1] - d[2]);
  v[3] = step;
  v[4] = d[4] - d[2] - 2 * step;
}

/// B, the transpose of `input`.
INLINE void inputGradient(const Lanes *v, Lanes *d) {
  Lanes wide = 2 * v[4];
  d[0] = 2 * v[0];
  d[1] = 2 * (v[2] - v[1]) - v[0] - v[3] + wide;
  d[2] = -2 * v[0] - v[1] - 3 * v[2] - v[4];
  d[3] = v[0] + v[1] + v[2] + v[3] - wide;
  d[4] = v[4];
}
