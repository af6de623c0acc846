// F(3, 3): 25 multiplications instead of 81, at the points 0, 1, -1, 2 and infinity.
#include "fivePoints.h"
#define NAME(transform) tensorWinograd3##transform
#define STRIDE 1
#define EXTENT 3

/// Aᵀ, from the products at the points to three outputs.
INLINE void output(const Lanes *m, Lanes *y) {
  Lanes sum = m[1] + m[2], difference = m[1] - m[2];
  y[0] = m[0] + sum + m[3];
  y[1] = difference + 2 * m[3];
  y[2] = sum + 4 * m[3] + m[4];
}

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) {
  Lanes even = y[0] + y[2];
  m[0] = y[0];
  m[1] = even + y[1], m[2] = even - y[1];
  m[3] = y[0] + 2 * y[1] + 4 * y[2];
  m[4] = y[2];
}

/// G, from the taps to the points.
INLINE void kernel(const Lanes *g, Lanes *u) {
  Lanes even = g[0] + g[2];
  u[0] = 0.5f * g[0];
  u[1] = -0.5f * (even + g[1]);
  u[2] = -1.0f / 6 * (even - g[1]);
  u[3] = 1.0f / 6 * g[0] + 1.0f / 3 * g[1] + 2.0f / 3 * g[2];
  u[4] = g[2];
}

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) {
  Lanes both = -0.5f * u[1] - 1.0f / 6 * u[2];
  g[0] = 0.5f * u[0] + both + 1.0f / 6 * u[3];
  g[1] = 1.0f / 6 * u[2] - 0.5f * u[1] + 1.0f / 3 * u[3];
  g[2] = both + 2.0f / 3 * u[3] + u[4];
}

#include "transforms.h"
