// F(6, 3): 64 multiplications instead of 324, at the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
#include "../lanes.h"
#define NAME(transform) tensorWinograd6##transform
#define STRIDE 1
#define EXTENT 6

/// Bᵀ, from the pixels of a tile to the points.
INLINE void input(const Lanes *d, Lanes *v) {
  Lanes even = d[2] + d[6] - 4.25f * d[4], odd = d[1] + d[5] - 4.25f * d[3];
  Lanes wideEven = d[6] + 0.25f * d[2] - 1.25f * d[4];
  Lanes wideOdd = 0.5f * d[1] - 2.5f * d[3] + 2 * d[5];
  Lanes nearEven = d[6] + 4 * d[2] - 5 * d[4];
  Lanes nearOdd = 2 * d[1] - 2.5f * d[3] + 0.5f * d[5];
  v[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
  v[1] = even + odd, v[2] = even - odd;
  v[3] = wideEven + wideOdd, v[4] = wideEven - wideOdd;
  v[5] = nearEven + nearOdd, v[6] = nearEven - nearOdd;
  v[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
}

/// B, the transpose of `input`.
INLINE void inputGradient(const Lanes *v, Lanes *d) {
  Lanes sum1 = v[1] + v[2], difference1 = v[1] - v[2];
  Lanes sum2 = v[3] + v[4], difference2 = v[3] - v[4];
  Lanes sum3 = v[5] + v[6], difference3 = v[5] - v[6];
  d[0] = v[0];
  d[1] = difference1 + 0.5f * difference2 + 2 * difference3 - v[7];
  d[2] = sum1 + 0.25f * sum2 + 4 * sum3 - 5.25f * v[0];
  d[3] = 5.25f * v[7] - 4.25f * difference1 - 2.5f * (difference2 + difference3);
  d[4] = 5.25f * v[0] - 4.25f * sum1 - 1.25f * sum2 - 5 * sum3;
  d[5] = difference1 + 2 * difference2 + 0.5f * difference3 - 5.25f * v[7];
  d[6] = sum1 + sum2 + sum3 - v[0];
  d[7] = v[7];
}

/// Aᵀ, from the products at the points to six outputs.
INLINE void output(const Lanes *m, Lanes *y) {
  Lanes sum1 = m[1] + m[2], difference1 = m[1] - m[2];
  Lanes sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  Lanes sum3 = m[5] + m[6], difference3 = m[5] - m[6];
  y[0] = m[0] + sum1 + sum2 + sum3;
  y[1] = difference1 + 2 * difference2 + 0.5f * difference3;
  y[2] = sum1 + 4 * sum2 + 0.25f * sum3;
  y[3] = difference1 + 8 * difference2 + 0.125f * difference3;
  y[4] = sum1 + 16 * sum2 + 0.0625f * sum3;
  y[5] = difference1 + 32 * difference2 + 0.03125f * difference3 + m[7];
}

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) {
  Lanes even = y[0] + y[2] + y[4], odd = y[1] + y[3] + y[5];
  Lanes wideEven = y[0] + 4 * y[2] + 16 * y[4], wideOdd = 2 * y[1] + 8 * y[3] + 32 * y[5];
  Lanes nearEven = y[0] + 0.25f * y[2] + 0.0625f * y[4];
  Lanes nearOdd = 0.5f * y[1] + 0.125f * y[3] + 0.03125f * y[5];
  m[0] = y[0];
  m[1] = even + odd, m[2] = even - odd;
  m[3] = wideEven + wideOdd, m[4] = wideEven - wideOdd;
  m[5] = nearEven + nearOdd, m[6] = nearEven - nearOdd;
  m[7] = y[5];
}

/// G, from the taps to the points.
INLINE void kernel(const Lanes *g, Lanes *u) {
  Lanes even = -2.0f / 9 * (g[0] + g[2]), odd = -2.0f / 9 * g[1];
  Lanes wideEven = 1.0f / 90 * g[0] + 2.0f / 45 * g[2], wideOdd = 1.0f / 45 * g[1];
  Lanes nearEven = 32.0f / 45 * g[0] + 8.0f / 45 * g[2], nearOdd = 16.0f / 45 * g[1];
  u[0] = g[0];
  u[1] = even + odd, u[2] = even - odd;
  u[3] = wideEven + wideOdd, u[4] = wideEven - wideOdd;
  u[5] = nearEven + nearOdd, u[6] = nearEven - nearOdd;
  u[7] = g[2];
}

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) {
  Lanes sum1 = u[1] + u[2], difference1 = u[1] - u[2];
  Lanes sum2 = u[3] + u[4], difference2 = u[3] - u[4];
  Lanes sum3 = u[5] + u[6], difference3 = u[5] - u[6];
  g[0] = u[0] - 2.0f / 9 * sum1 + 1.0f / 90 * sum2 + 32.0f / 45 * sum3;
  g[1] = 1.0f / 45 * difference2 - 2.0f / 9 * difference1 + 16.0f / 45 * difference3;
  g[2] = u[7] - 2.0f / 9 * sum1 + 2.0f / 45 * sum2 + 8.0f / 45 * sum3;
}

#include "transforms.h"
