// Adam's step (Kingma and Ba, 2015), with or without decoupled weight decay (Loshchilov and Hutter,
// 2019).
#pragma once
#include <stddef.h>

/// The constants of a step: m += share1 (gradient - m) and v = keep2 · v + share2 · gradient²,
/// where gradient is g + coupled · w; then w = shrink · w - rate · m / (scale · √v +
/// epsilon).
typedef struct {
  float share1, keep2, share2, coupled, shrink, rate, scale, epsilon;
} CTKAdamStep;

/// Updates `count` weights w from their gradients g, and their moments m and v.
void ctk_adam_step(
    float *w, const float *g, float *m, float *v, ptrdiff_t count, CTKAdamStep step);
