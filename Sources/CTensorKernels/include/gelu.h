// x · Φ(x), with the normal distribution's Φ (Hendrycks and Gimpel, 2016), and its gradient.
#pragma once
#include <stddef.h>

/// out[i] = x[i] · Φ(x[i])
void ctk_gelu(const float *x, float *out, ptrdiff_t count);

/// out[i] = gradient[i] · (Φ(x[i]) + x[i] · φ(x[i]))
void ctk_gelu_gradient(const float *gradient, const float *x, float *out, ptrdiff_t count);
