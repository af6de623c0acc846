// Stride 2: F(4, 2) for the pixels that meet the first and the last tap, and the middle tap by itself for
// those between: 81 multiplications instead of 144, at the points 0, 1, -1, 2 and infinity.
#include "fivePoints.h"
#define NAME(transform) tensorWinogradStrided##transform
#define STRIDE 2
#define EXTENT 4

/// Aᵀ, from the products at the points to four outputs.
INLINE void output(const Lanes *m, Lanes *y) {
  Lanes sum = m[1] + m[2], difference = m[1] - m[2];
  y[0] = m[0] + sum + m[3];
  y[1] = difference + 2 * m[3];
  y[2] = sum + 4 * m[3];
  y[3] = difference + 8 * m[3] + m[4];
}

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) {
  Lanes even = y[0] + y[2], odd = y[1] + y[3];
  m[0] = y[0];
  m[1] = even + odd, m[2] = even - odd;
  m[3] = y[0] + 4 * y[2] + 2 * y[1] + 8 * y[3];
  m[4] = y[3];
}

/// G, from the taps of a phase to the points.
INLINE void kernel(const Lanes *g, Lanes *u) {
  u[0] = 0.5f * g[0];
  u[1] = -0.5f * (g[0] + g[1]);
  u[2] = 1.0f / 6 * (g[1] - g[0]);
  u[3] = 1.0f / 6 * g[0] + 1.0f / 3 * g[1];
  u[4] = g[1];
}

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) {
  g[0] = 0.5f * (u[0] - u[1]) + 1.0f / 6 * (u[3] - u[2]);
  g[1] = 1.0f / 6 * u[2] + 1.0f / 3 * u[3] - 0.5f * u[1] + u[4];
}

#include "transforms.h"
