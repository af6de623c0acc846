// e to the power of vectors: that of the C library takes one number at a time.
#pragma once
#include "simd.h"

typedef unsigned LaneBits __attribute__((vector_size(4 * LaneCount)));

/// e^x of numbers of at most 88, within two units of the last place; 0 below -87. NaN stays NaN.
///
/// x = k ln 2 + r, and e^r = 1 + r + r² p(r), where p has the smallest relative error for
/// |r| <= ln 2 / 2, 3e-9.
INLINE Lanes exponential(Lanes x) {
  const float shift = 12582912;  // 1.5 · 2²³: behind it, the last bits of a sum are an integer
  Lanes shifted = x * 1.44269504f + shift;
  Lanes k = shifted - shift;
  // ln 2 in two parts, of which the first has few digits: k times it is exact.
  Lanes r = x - k * 0.693359375f + k * 2.12194440e-4f;
  Lanes p = 1.38145988e-3f * r + 8.36871658e-3f;
  p = p * r + 4.16683890e-2f;
  p = p * r + 1.66665211e-1f;
  p = p * r + 4.99999940e-1f;
  Lanes value = p * r * r + r + 1;
  Lanes power = (Lanes)(((LaneBits)shifted << 23) + 0x3f800000u);
  return chosen(x < -87, (Lanes){0}, value * power);
}
