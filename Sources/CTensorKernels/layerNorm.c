#include "include/layerNorm.h"
#include "dispatch.h"
#include "simd.h"

INLINE CTKRowStatistics statisticsOf(const float *x, ptrdiff_t columns, float epsilon) {
  Lanes total = {0};
#define BODY(size) total += lanes(x + i, size)
  FOR_LANES(i, columns, BODY)
#undef BODY
  float mean = sumOf(total) / columns;
  Lanes squares = {0};
  ptrdiff_t j = 0;
  for (; j + LaneCount <= columns; j += LaneCount) {
    Lanes centred = lanes(x + j, sizeof(Lanes)) - mean;
    squares += centred * centred;
  }
  float rest = 0;
  for (; j < columns; j++) rest += (x[j] - mean) * (x[j] - mean);
  float variance = (sumOf(squares) + rest) / columns;
  return (CTKRowStatistics){mean, 1 / __builtin_sqrtf(variance + epsilon)};
}

INLINE void layerNorm(
    const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale, const float *bias,
    float epsilon, float *out, CTKRowStatistics *statistics
) {
  for (ptrdiff_t row = 0; row < rows; row++, x += columns, out += columns) {
    CTKRowStatistics found = statisticsOf(x, columns, epsilon);
    statistics[row] = found;
#define BODY(size)                                                                                 \
  Lanes value = (lanes(x + i, size) - found.mean) * found.factor;                                  \
  value = value * lanes(scale + i, size) + lanes(bias + i, size);                                  \
  memcpy(out + i, &value, size)
    FOR_LANES(i, columns, BODY)
#undef BODY
  }
}

/// Adds `size` bytes to sums.
INLINE void addPart(Lanes value, float *sums, size_t size) {
  value += lanes(sums, size);
  memcpy(sums, &value, size);
}

INLINE void layerNormGradient(
    const float *gradient, const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale,
    const CTKRowStatistics *statistics, float *out, float *sums
) {
  for (ptrdiff_t row = 0; row < rows; row++, x += columns, gradient += columns, out += columns) {
    float mean = statistics[row].mean, factor = statistics[row].factor;
    Lanes level = {0}, slope = {0};
#define BODY(size)                                                                                 \
  Lanes g = lanes(gradient + i, size);                                                             \
  Lanes normal = (lanes(x + i, size) - mean) * factor;                                             \
  addPart(g * normal, sums + i, size);                                                             \
  addPart(g, sums + columns + i, size);                                                            \
  g *= lanes(scale + i, size);                                                                     \
  level += g;                                                                                      \
  slope += g * normal
    FOR_LANES(i, columns, BODY)
#undef BODY
    // factor · (g - mean(g) - normal · mean(g · normal)), with g = gradient · scale
    float levels = sumOf(level) / columns, slopes = sumOf(slope) / columns;
#define BODY(size)                                                                                 \
  Lanes normal = (lanes(x + j, size) - mean) * factor;                                             \
  Lanes value = lanes(gradient + j, size) * lanes(scale + j, size) - levels - normal * slopes;     \
  value *= factor;                                                                                 \
  memcpy(out + j, &value, size)
    FOR_LANES(j, columns, BODY)
#undef BODY
  }
}

CTK_DISPATCH(
    ctk_layer_norm, layerNorm,
    (const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale, const float *bias,
     float epsilon, float *out, CTKRowStatistics *statistics),
    (x, rows, columns, scale, bias, epsilon, out, statistics)
)
CTK_DISPATCH(
    ctk_layer_norm_gradient, layerNormGradient,
    (const float *gradient, const float *x, ptrdiff_t rows, ptrdiff_t columns, const float *scale,
     const CTKRowStatistics *statistics, float *out, float *sums),
    (gradient, x, rows, columns, scale, statistics, out, sums)
)
