// Normalization of rows (layer norm; Ba et al., 2016), and its gradient.
#pragma once
#include <stddef.h>

/// The mean of a row, and 1 / √(variance + epsilon).
typedef struct {
  float mean, factor;
} CTKRowStatistics;

/// out = (x - mean) · factor · scale + bias for each row of x[rows, columns], whose statistics are
/// kept.
void ctk_layer_norm(
    const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale, const float *bias,
    float epsilon, float *out, CTKRowStatistics *statistics);

/// The gradient of x, and the sums over the rows of those of scale and bias, which are added to
/// sums[2, columns].
void ctk_layer_norm_gradient(
    const float *gradient, const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale,
    const CTKRowStatistics *statistics, float *out, float *sums);
