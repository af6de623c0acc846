// Softmax of rows, and its gradient.
#pragma once
#include <stddef.h>

/// Replaces each row x of scores[rows, columns] by softmax(scale · x).
void ctk_softmax_rows(float *scores, ptrdiff_t rows, ptrdiff_t columns, float scale);

/// Replaces each row g of gradient[rows, columns], that of weights = softmax(scale · x), by the
/// gradient of x: scale · weights · (g - Σ weights · g).
void ctk_softmax_gradient_rows(
    const float *weights, float *gradient, ptrdiff_t rows, ptrdiff_t columns, float scale);
