// The matrices of a scheme, from its points: the PAIRS ±p, zero where HAS_ZERO, and infinity.
//
// Polynomials, of which the pixels, the results and the taps are coefficients, are multiplied point
// by point (Toom and Cook): G and A evaluate them, Bᵀ is the transposed interpolation.
#pragma once
#include "tiles.h"

static const float pairs[] = PAIRS;
enum { Pairs = sizeof pairs / sizeof *pairs, Zero = HAS_ZERO, Infinity = Points - 1 };
_Static_assert(2 * Pairs + Zero == Infinity, "as many points as a tile has pixels");

/// Taps of the first phase.
enum { Taps = (2 + STRIDE) / STRIDE };

INLINE float power(float base, int exponent) {
  float result = 1;
  UNROLL for (int i = 0; i < exponent; i++) result *= base;
  return result;
}

/// The coefficients of the polynomial in x² that is zero at all pairs but one, the first of
/// highest power; at all of them if `without` is none's number. Returns the degree.
INLINE int coefficients(int without, float *c) {
  int degree = 0;
  c[0] = 1;
  UNROLL for (int i = 0; i < Pairs; i++) {
    if (i == without) continue;
    float root = pairs[i] * pairs[i];
    c[degree + 1] = -root * c[degree];
    UNROLL for (int k = Pairs; k > 0; k--) {
      if (k <= degree) c[k] -= root * c[k - 1];
    }
    degree++;
  }
  return degree;
}

/// Σ c[k] d[2 (degree - k)]
INLINE Lanes vanishing(int without, const Lanes *d) {
  float c[Pairs + 1];
  int degree = coefficients(without, c);
  Lanes sum = d[2 * degree];
  UNROLL for (int k = 1; k <= Pairs; k++) {
    if (k <= degree) sum += c[k] * d[2 * (degree - k)];
  }
  return sum;
}

/// The transpose of `vanishing`, added to d.
INLINE void addVanishing(int without, Lanes v, Lanes *d) {
  float c[Pairs + 1];
  int degree = coefficients(without, c);
  d[2 * degree] += v;
  UNROLL for (int k = 1; k <= Pairs; k++) {
    if (k <= degree) d[2 * (degree - k)] += c[k] * v;
  }
}

/// The product of a point's distances from the others, by which the rows of G are divided. Those of
/// a pair differ in sign if zero is not among the points; the sign is then the row's of Bᵀ.
INLINE float distances(int pair) {
  float p = pairs[pair], product = 2 * power(p, 1 + Zero);
  UNROLL for (int i = 0; i < Pairs; i++) {
    if (i != pair) product *= p * p - pairs[i] * pairs[i];
  }
  return product;
}

INLINE float distancesOfZero(void) {
  float product = 1;
  UNROLL for (int i = 0; i < Pairs; i++) product *= -pairs[i] * pairs[i];
  return product;
}

/// Bᵀ, from the pixels to the points.
INLINE void input(const Lanes *d, Lanes *v) {
  if (Zero) v[0] = vanishing(Pairs, d);
  UNROLL for (int i = 0; i < Pairs; i++) {
    Lanes low = pairs[i] * vanishing(i, d + Zero), high = vanishing(i, d + Zero + 1);
    v[Zero + 2 * i] = high + low;
    v[Zero + 2 * i + 1] = Zero ? high - low : low - high;
  }
  v[Infinity] = vanishing(Pairs, d + Zero);
}

/// B, the transpose of `input`.
INLINE void inputGradient(const Lanes *v, Lanes *d) {
  UNROLL for (int i = 0; i < Points; i++) d[i] = (Lanes){0};
  if (Zero) addVanishing(Pairs, v[0], d);
  UNROLL for (int i = 0; i < Pairs; i++) {
    Lanes sum = v[Zero + 2 * i] + v[Zero + 2 * i + 1];
    Lanes difference = v[Zero + 2 * i] - v[Zero + 2 * i + 1];
    addVanishing(i, pairs[i] * (Zero ? difference : sum), d + Zero);
    addVanishing(i, Zero ? sum : difference, d + Zero + 1);
  }
  addVanishing(Pairs, v[Infinity], d + Zero);
}

/// What polynomials are evaluated for: the rows of G, of `Taps` coefficients, are divided by the
/// distances, and those of A, of `EXTENT`, are not.
typedef enum { OfKernel, OfOutput } Side;

INLINE int countOf(Side side) { return side == OfKernel ? Taps : EXTENT; }

INLINE float factorOf(Side side, int pair, int exponent) {
  return power(pairs[pair], exponent) / (side == OfKernel ? distances(pair) : 1);
}

INLINE float factorOfZero(Side side) { return 1 / (side == OfKernel ? distancesOfZero() : 1); }

/// The values of a polynomial at the points: its last coefficient at infinity.
INLINE void evaluate(Side side, const Lanes *coefficients, Lanes *values) {
  if (Zero) values[0] = factorOfZero(side) * coefficients[0];
  UNROLL for (int i = 0; i < Pairs; i++) {
    Lanes even = factorOf(side, i, 0) * coefficients[0];
    Lanes odd = factorOf(side, i, 1) * coefficients[1];
    UNROLL for (int k = 2; k < countOf(side); k++) {
      *(k % 2 == 0 ? &even : &odd) += factorOf(side, i, k) * coefficients[k];
    }
    values[Zero + 2 * i] = even + odd;
    values[Zero + 2 * i + 1] = even - odd;
  }
  values[Infinity] = coefficients[countOf(side) - 1];
}

/// The transpose of `evaluate`.
INLINE void collect(Side side, const Lanes *values, Lanes *coefficients) {
  Lanes sums[Pairs], differences[Pairs];
  UNROLL for (int i = 0; i < Pairs; i++) {
    sums[i] = values[Zero + 2 * i] + values[Zero + 2 * i + 1];
    differences[i] = values[Zero + 2 * i] - values[Zero + 2 * i + 1];
  }
  UNROLL for (int k = 0; k < countOf(side); k++) {
    const Lanes *halves = k % 2 == 0 ? sums : differences;
    Lanes sum = factorOf(side, 0, k) * halves[0];
    UNROLL for (int i = 1; i < Pairs; i++) sum += factorOf(side, i, k) * halves[i];
    if (Zero && k == 0) sum += factorOfZero(side) * values[0];
    if (k == countOf(side) - 1) sum += values[Infinity];
    coefficients[k] = sum;
  }
}

/// Aᵀ, from the products at the points to the results.
INLINE void output(const Lanes *m, Lanes *y) { collect(OfOutput, m, y); }

/// A, the transpose of `output`.
INLINE void outputGradient(const Lanes *y, Lanes *m) { evaluate(OfOutput, y, m); }

/// G, from the taps of a phase to the points.
INLINE void kernel(const Lanes *g, Lanes *u) { evaluate(OfKernel, g, u); }

/// Gᵀ, the transpose of `kernel`.
INLINE void kernelGradient(const Lanes *u, Lanes *g) { collect(OfKernel, u, g); }
