#include "include/softmax.h"
#include "dispatch.h"
#include "exponential.h"
#include <math.h>

/// The largest of `count` numbers.
INLINE float peak(const float *x, ptrdiff_t count) {
  float largest = -INFINITY;
  ptrdiff_t i = 0;
  if (count >= LaneCount) {
    Lanes most;
    load(&most, x);
    for (i = LaneCount; i + LaneCount <= count; i += LaneCount) {
      Lanes value;
      load(&value, x + i);
      most = chosen(value > most, value, most);
    }
    UNROLL for (int lane = 0; lane < LaneCount; lane++) {
      largest = most[lane] > largest ? most[lane] : largest;
    }
  }
  for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

INLINE void softmaxRow(float *x, ptrdiff_t count, float scale) {
  float shift = scale * peak(x, count);
  Lanes total = {0};
  ptrdiff_t i = 0;
  for (; i + LaneCount <= count; i += LaneCount) {
    Lanes value;
    load(&value, x + i);
    value = exponential(value * scale - shift);
    total += value;
    store(&value, x + i);
  }
  if (i < count) {
    size_t size = (count - i) * sizeof(float);
    Lanes value = exponential(lanes(x + i, size) * scale - shift);
    memcpy(x + i, &value, size);
    // Zeros instead of what is behind the row.
    total += lanes(x + i, size);
  }
  float factor = 1 / sumOf(total);
#define BODY(size)                                                                                 \
  Lanes value = lanes(x + j, size) * factor;                                                       \
  memcpy(x + j, &value, size)
  FOR_LANES(j, count, BODY)
#undef BODY
}

INLINE void softmaxRows(float *scores, ptrdiff_t rows, ptrdiff_t columns, float scale) {
  for (ptrdiff_t row = 0; row < rows; row++) softmaxRow(scores + row * columns, columns, scale);
}

INLINE void softmaxGradientRows(
    const float *weights, float *gradient, ptrdiff_t rows, ptrdiff_t columns, float scale
) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *w = weights + row * columns;
    float *g = gradient + row * columns;
    Lanes products = {0};
#define BODY(size) products += lanes(w + i, size) * lanes(g + i, size)
    FOR_LANES(i, columns, BODY)
#undef BODY
    float dot = sumOf(products);
#define BODY(size)                                                                                 \
  Lanes value = lanes(w + j, size) * (lanes(g + j, size) - dot) * scale;                           \
  memcpy(g + j, &value, size)
    FOR_LANES(j, columns, BODY)
#undef BODY
  }
}

CTK_DISPATCH(
    ctk_softmax_rows, softmaxRows,
    (float *scores, ptrdiff_t rows, ptrdiff_t columns, float scale),
    (scores, rows, columns, scale)
)
CTK_DISPATCH(
    ctk_softmax_gradient_rows, softmaxGradientRows,
    (const float *weights, float *gradient, ptrdiff_t rows, ptrdiff_t columns, float scale),
    (weights, gradient, rows, columns, scale)
)
