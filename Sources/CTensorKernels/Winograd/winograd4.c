// F(4, 3): 36 multiplications instead of 144, at the points 0, ±NEAR, ±FAR and infinity. At 5/8 and 3/2 the
// largest errors are half of what they are at 1 and 2.
#include "../lanes.h"
#define NAME(transform) tensorWinograd4##transform
#define STRIDE 1
#define EXTENT 4

#define NEAR 0.625f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)
/// What the rows of G are divided by.
#define NEAR_SCALE (1 / (2 * NEAR2 * (NEAR2 - FAR2)))
#define FAR_SCALE (1 / (2 * FAR2 * (FAR2 - NEAR2)))

/// Bᵀ, from the pixels of a tile to the points.
INLINE void input(const Lanes *d, Lanes *v) {
  Lanes nearEven = d[4] - FAR2 * d[2], nearOdd = NEAR * (d[3] - FAR2 * d[1]);
  Lanes farEven = d[4] - NEAR2 * d[2], farOdd = FAR * (d[3] - NEAR2 * d[1]);
  v[0] = d[4] - (NEAR2 + FAR2) * d[2] + NEAR2 * FAR2 * d[0];
  v[1] = nearEven + nearOdd, v[2] = nearEven - nearOdd;
  v[3] = farEven + farOdd, v[4] = farEven - farOdd;
  v[5] = d[5] - (NEAR2 + FAR2) * d[3] + NEAR2 * FAR2 * d[1];
}

/// B, the transpose of `input`.
INLINE void inputGradient(const Lanes *v, Lanes *d) {
  Lanes nearSum = v[1] + v[2], nearDifference = NEAR * (v[1] - v[2]);
  Lanes farSum = v[3] + v[4], farDifference = FAR * (v[3] - v[4]);
  d[0] = NEAR2 * FAR2 * v[0];
  d[1] = NEAR2 * FAR2 * v[5] - FAR2 * nearDifference - NEAR2 * farDifference;
  d[2] = -(NEAR2 + FAR2) * v[0] - FAR2 * nearSum - NEAR2 * farSum;
  d[3] = nearDifference + farDifference - (NEAR2 + FAR2) * v[5];
  d[4] = v[0] + nearSum + farSum;
  d[5] = v[5];
}

/// Aᵀ, from the products at the points to four outputs.
INLINE void output(const Lanes *m, Lanes *y) {
  Lanes nearSum = m[1] + m[2], nearDifference = NEAR * (m[1] - m[2]);
  Lanes farSum = m[3] + m[4], farDifference = FAR * (m[3] - m[4]);
  y[0] = m[0] + nearSum + farSum;
  y[1] = nearDifference + farDifference;
  y[2] = NEAR2 * nearSum + FAR2 * farSum;
  y[3] = NEAR2 * nearDifference + FAR2 * farDifference + m[5];
}

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) {
  Lanes nearEven = y[0] + NEAR2 * y[2], nearOdd = NEAR * (y[1] + NEAR2 * y[3]);
  Lanes farEven = y[0] + FAR2 * y[2], farOdd = FAR * (y[1] + FAR2 * y[3]);
  m[0] = y[0];
  m[1] = nearEven + nearOdd, m[2] = nearEven - nearOdd;
  m[3] = farEven + farOdd, m[4] = farEven - farOdd;
  m[5] = y[3];
}

/// G, from the taps to the points.
INLINE void kernel(const Lanes *g, Lanes *u) {
  Lanes nearEven = NEAR_SCALE * (g[0] + NEAR2 * g[2]), nearOdd = NEAR_SCALE * NEAR * g[1];
  Lanes farEven = FAR_SCALE * (g[0] + FAR2 * g[2]), farOdd = FAR_SCALE * FAR * g[1];
  u[0] = 1 / (NEAR2 * FAR2) * g[0];
  u[1] = nearEven + nearOdd, u[2] = nearEven - nearOdd;
  u[3] = farEven + farOdd, u[4] = farEven - farOdd;
  u[5] = g[2];
}

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) {
  Lanes nearSum = NEAR_SCALE * (u[1] + u[2]), nearDifference = NEAR_SCALE * (u[1] - u[2]);
  Lanes farSum = FAR_SCALE * (u[3] + u[4]), farDifference = FAR_SCALE * (u[3] - u[4]);
  g[0] = 1 / (NEAR2 * FAR2) * u[0] + nearSum + farSum;
  g[1] = NEAR * nearDifference + FAR * farDifference;
  g[2] = NEAR2 * nearSum + FAR2 * farSum + u[5];
}

#include "transforms.h"
