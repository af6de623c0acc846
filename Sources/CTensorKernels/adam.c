#include "include/adam.h"
#include "everyProcessor.h"
#include "lanes.h"

/// A step of as many numbers as `size` bytes hold, at most those of a vector.
INLINE void stepOfLanes(
    float *w, const float *g, float *m, float *v, size_t size, const AdamNumbers *numbers
) {
  Lanes weight = {0}, slope = {0}, first = {0}, second = {0};
  memcpy(&weight, w, size);
  memcpy(&slope, g, size);
  memcpy(&first, m, size);
  memcpy(&second, v, size);
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
  long whole = count / LaneCount * LaneCount;
  for (long i = 0; i < whole; i += LaneCount) {
    stepOfLanes(w + i, g + i, m + i, v + i, sizeof(Lanes), &constants);
  }
  size_t rest = (count - whole) * sizeof(float);
  if (rest > 0) stepOfLanes(w + whole, g + whole, m + whole, v + whole, rest, &constants);
}

EVERY_PROCESSOR(
    tensorAdamStep, step,
    (float *w, const float *g, float *m, float *v, long count, const AdamNumbers *numbers),
    (w, g, m, v, count, numbers)
)
