#include "include/adam.h"
#include "dispatch.h"
#include "simd.h"

/// Updates `size` bytes of weights, at most a vector.
INLINE void stepOfLanes(
    float *w, const float *g, float *m, float *v, size_t size, CTKAdamStep step
) {
  Lanes weight = lanes(w, size), first = lanes(m, size), second = lanes(v, size);
  Lanes gradient = lanes(g, size);
  gradient += step.coupled * weight;
  first += step.share1 * (gradient - first);
  second = step.keep2 * second + step.share2 * gradient * gradient;
  Lanes root = __builtin_elementwise_sqrt(second) * step.scale + step.epsilon;
  weight = step.shrink * weight - step.rate * first / root;
  memcpy(w, &weight, size);
  memcpy(m, &first, size);
  memcpy(v, &second, size);
}

INLINE void adamStep(
    float *w, const float *g, float *m, float *v, ptrdiff_t count, CTKAdamStep step
) {
#define BODY(size) stepOfLanes(w + i, g + i, m + i, v + i, size, step)
  FOR_LANES(i, count, BODY)
#undef BODY
}

CTK_DISPATCH(
    ctk_adam_step, adamStep,
    (float *w, const float *g, float *m, float *v, ptrdiff_t count, CTKAdamStep step),
    (w, g, m, v, count, step)
)
