#include "include/adam.h"
#include "everyProcessor.h"
#include "lanes.h"

/// A step of as many numbers as `size` bytes hold, at most those of a vector.
INLINE void stepOfLanes(
    float *w, const float *g, float *m, float *v, size_t size, const AdamNumbers *numbers
) {
  Lanes weight = lanes(w, size), first = lanes(m, size), second = lanes(v, size);
  Lanes slope = lanes(g, size);
  slope += numbers->coupled * weight;
  first += numbers->share1 * (slope - first);
  second = numbers->keep2 * second + numbers->share2 * slope * slope;
  Lanes root = __builtin_elementwise_sqrt(second) * numbers->scale + numbers->epsilon;
  weight = numbers->shrink * weight - numbers->rate * first / root;
  memcpy(w, &weight, size);
  memcpy(m, &first, size);
  memcpy(v, &second, size);
}

INLINE void step(
    float *w, const float *g, float *m, float *v, long count, const AdamNumbers *numbers
) {
  AdamNumbers constants = *numbers;
#define BODY(size) stepOfLanes(w + i, g + i, m + i, v + i, size, &constants)
  FOR_LANES(i, count, BODY)
#undef BODY
}

EVERY_PROCESSOR(
    tensorAdamStep, step,
    (float *w, const float *g, float *m, float *v, long count, const AdamNumbers *numbers),
    (w, g, m, v, count, numbers)
)
