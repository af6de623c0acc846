// What follows a convolution while its results are in registers.
#pragma once
#include <stdbool.h>

/// y = x · factor + offset + residual, or max(0, that) if `isRectified`, with one factor and one
/// offset for each channel. Nothing follows where factor is null; residual may be null, and else
/// lies in memory as the results do.
typedef struct {
  const float *factor, *offset, *residual;
  bool isRectified;
} CTKEpilogue;
