// Adam's step (Kingma and Ba, 2015), with or without decoupled weight decay (Loshchilov and Hutter, 2019).
#pragma once

/// The numbers of a step: m += share1 (slope - m) and v = keep2 · v + share2 · slope², where slope is
/// g + coupled · w; then w = shrink · w - rate · m / (scale · √v + epsilon).
typedef struct {
  float share1, keep2, share2, coupled, shrink, rate, scale, epsilon;
} AdamNumbers;

/// Moves `count` weights w by their gradients g, with the moments m and v.
void tensorAdamStep(
    float *w, const float *g, float *m, float *v, long count, const AdamNumbers *numbers);
