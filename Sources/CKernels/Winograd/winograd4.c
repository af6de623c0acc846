// F(4, 3): 36 multiplications instead of 144, at the points 0, 1, -1, 2, -2 and infinity.
#include "../lanes.h"
#define NAME(transform) winograd4##transform
#define STRIDE 1
#define EXTENT 4

/// Bᵀ, from the pixels of a tile to the points.
INLINE void input(const Lanes *d, Lanes *v) {
  Lanes even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
  Lanes wide = d[4] - d[2], step = 2 * (d[3] - d[1]);
  v[0] = 4 * d[0] - 5 * d[2] + d[4];
  v[1] = even + odd, v[2] = even - odd;
  v[3] = wide + step, v[4] = wide - step;
  v[5] = 4 * d[1] - 5 * d[3] + d[5];
}

/// B, the transpose of `input`.
INLINE void inputGradient(const Lanes *v, Lanes *d) {
  Lanes sum1 = v[1] + v[2], difference1 = v[1] - v[2];
  Lanes sum2 = v[3] + v[4], difference2 = v[3] - v[4];
  d[0] = 4 * v[0];
  d[1] = 4 * (v[5] - difference1) - 2 * difference2;
  d[2] = -5 * v[0] - 4 * sum1 - sum2;
  d[3] = difference1 + 2 * difference2 - 5 * v[5];
  d[4] = v[0] + sum1 + sum2;
  d[5] = v[5];
}

/// Aᵀ, from the products at the points to four outputs.
INLINE void output(const Lanes *m, Lanes *y) {
  Lanes sum1 = m[1] + m[2], difference1 = m[1] - m[2];
  Lanes sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  y[0] = m[0] + sum1 + sum2;
  y[1] = difference1 + 2 * difference2;
  y[2] = sum1 + 4 * sum2;
  y[3] = difference1 + 8 * difference2 + m[5];
}

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) {
  Lanes even = y[0] + y[2], odd = y[1] + y[3];
  Lanes wideEven = y[0] + 4 * y[2], wideOdd = 2 * y[1] + 8 * y[3];
  m[0] = y[0];
  m[1] = even + odd, m[2] = even - odd;
  m[3] = wideEven + wideOdd, m[4] = wideEven - wideOdd;
  m[5] = y[3];
}

/// G, from the taps to the points.
INLINE void kernel(const Lanes *g, Lanes *u) {
  Lanes even = -1.0f / 6 * (g[0] + g[2]), odd = -1.0f / 6 * g[1];
  Lanes wideEven = 1.0f / 24 * g[0] + 1.0f / 6 * g[2], wideOdd = 1.0f / 12 * g[1];
  u[0] = 0.25f * g[0];
  u[1] = even + odd, u[2] = even - odd;
  u[3] = wideEven + wideOdd, u[4] = wideEven - wideOdd;
  u[5] = g[2];
}

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) {
  Lanes sum1 = u[1] + u[2], difference1 = u[1] - u[2];
  Lanes sum2 = u[3] + u[4], difference2 = u[3] - u[4];
  g[0] = 0.25f * u[0] - 1.0f / 6 * sum1 + 1.0f / 24 * sum2;
  g[1] = -1.0f / 6 * difference1 + 1.0f / 12 * difference2;
  g[2] = 1.0f / 6 * (sum2 - sum1) + u[5];
}

#include "transforms.h"
