#include "include/normalization.h"
#include "dispatch.h"
#include "epilogue.h"
#include "numbers.h"

/// The rows that are summed for some channels before the next channels follow. One row reads memory
/// in order, 31 instead of 16 to 22 GB/s (two threads of a Zen 4). All rows if the sums fit in
/// registers; four if the sums do not fit in the first-level cache.
INLINE ptrdiff_t rowsAtOnce(ptrdiff_t rows, ptrdiff_t channels) {
  return channels <= Unrolled * LaneCount ? rows : channels <= 1024 ? 1 : 4;
}

INLINE void channelSumsOf(
    CTKNumbers x, const float *shift, ptrdiff_t rows, ptrdiff_t channels, int count, size_t size,
    float *sums, float *squares
) {
  Lanes origin[Unrolled], sum[Unrolled], square[Unrolled];
  UNROLL for (int i = 0; i < count; i++) {
    origin[i] = lanes(shift + i * LaneCount, size);
    sum[i] = lanes(sums + i * LaneCount, size);
    square[i] = lanes(squares + i * LaneCount, size);
  }
  for (ptrdiff_t row = 0; row < rows; row++) {
    UNROLL for (int i = 0; i < count; i++) {
      Lanes distance = lanesAt(x, row * channels + i * LaneCount, size) - origin[i];
      sum[i] += distance;
      square[i] += distance * distance;
    }
  }
  UNROLL for (int i = 0; i < count; i++) {
    memcpy(sums + i * LaneCount, &sum[i], size);
    memcpy(squares + i * LaneCount, &square[i], size);
  }
}

INLINE void channelSumsIn(
    CTKNumbers x, const float *shift, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *squares
) {
  memset(sums, 0, channels * sizeof(float));
  memset(squares, 0, channels * sizeof(float));
  for (ptrdiff_t row = 0, step = rowsAtOnce(rows, channels); row < rows; row += step) {
    ptrdiff_t taken = rows - row < step ? rows - row : step;
#define BODY(count, size)                                                                          \
  channelSumsOf(                                                                                   \
      from(x, row * channels + channel), shift + channel, taken, channels, count, size,            \
      sums + channel, squares + channel)
    FOR_CHANNELS(BODY)
#undef BODY
  }
}

INLINE void channelSums(
    CTKNumbers x, const float *shift, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *squares
) {
#define BODY(format)                                                                               \
  channelSumsIn((CTKNumbers){x.address, format}, shift, rows, channels, sums, squares)
  FOR_FORMAT(x.format, BODY);
#undef BODY
}

INLINE void affineOf(
    CTKNumbers x, CTKNumbers residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
    ptrdiff_t place, ptrdiff_t channel, size_t size, CTKMutableNumbers y
) {
  Lanes value = lanesAt(x, place, size) * lanes(affine.factor + channel, size)
                + lanes(affine.offset + channel, size);
  if (residual.address) value += lanesAt(residual, place, size);
  if (isRectified) value = whereAboveZero(value, value);
  storeAt(value, y, place, isNonTemporal, size);
}

INLINE void affineRows(
    CTKNumbers x, CTKNumbers residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, CTKMutableNumbers y
) {
  for (ptrdiff_t row = 0; row < rows; row++) {
#define BODY(size)                                                                                 \
  affineOf(                                                                                        \
      x, residual, affine, isRectified, isNonTemporal, row * channels + channel, channel, size, y)
    FOR_LANES(channel, channels, BODY)
#undef BODY
  }
}

INLINE void affineInto(
    CTKNumbers x, CTKNumbers residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, CTKMutableNumbers y
) {
#define ROWS(residual, isRectified)                                                                \
  affineRows(x, residual, affine, isRectified, isNonTemporal, rows, channels, y)
  CTKNumbers none = {0, residual.format};
  if (residual.address && isRectified) ROWS(residual, true);
  else if (residual.address) ROWS(residual, false);
  else if (isRectified) ROWS(none, true);
  else ROWS(none, false);
#undef ROWS
}

INLINE void applyAffine(
    CTKNumbers x, const void *residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, void *y
) {
#define BODY(format)                                                                               \
  affineInto(                                                                                      \
      (CTKNumbers){x.address, format}, (CTKNumbers){residual, format}, affine, isRectified,        \
      isStreamed, rows, channels, (CTKMutableNumbers){y, format})
  if (isNonTemporal && allowsNonTemporal((CTKMutableNumbers){y, x.format}, channels)) {
    enum { isStreamed = true };
    FOR_FORMAT(x.format, BODY);
    fence();
  } else {
    enum { isStreamed = false };
    FOR_FORMAT(x.format, BODY);
  }
#undef BODY
}

INLINE CTKNumbers inFormat(const void *address, CTKNormalized all) {
  return (CTKNumbers){address, all.format};
}

/// The same with a format that the compiler knows.
INLINE CTKNormalized ofFormat(CTKNormalized all, CTKFormat format) {
  all.format = format;
  return all;
}

/// The gradient at one place behind the gate.
INLINE Lanes passedAt(
    CTKNormalized all, CTKGate gate, ptrdiff_t place, Lanes input, Lanes factor,
    Lanes offset, size_t size
) {
  Lanes gradient = lanesAt(inFormat(all.gradient, all), place, size);
  switch (gate) {
  case CTKGateOpen: return gradient;
  case CTKGateByOutput:
    return whereAboveZero(gradient, lanesAt(inFormat(all.output, all), place, size));
  case CTKGateByInput: return whereAboveZero(gradient, input * factor + offset);
  }
}

INLINE void gradientSumsOf(
    CTKNormalized all, CTKGate gate, const float *centre, ptrdiff_t first, ptrdiff_t rows,
    ptrdiff_t channels, ptrdiff_t channel, int count, size_t size, float *sums, float *products
) {
  Lanes origin[Unrolled], factor[Unrolled], offset[Unrolled], sum[Unrolled], product[Unrolled];
  UNROLL for (int i = 0; i < count; i++) {
    ptrdiff_t place = channel + i * LaneCount;
    origin[i] = lanes(centre + place, size);
    sum[i] = lanes(sums + place, size);
    product[i] = lanes(products + place, size);
    factor[i] = offset[i] = (Lanes){0};
    if (gate == CTKGateByInput) {
      factor[i] = lanes(all.affine.factor + place, size);
      offset[i] = lanes(all.affine.offset + place, size);
    }
  }
  for (ptrdiff_t row = first; row < first + rows; row++) {
    UNROLL for (int i = 0; i < count; i++) {
      ptrdiff_t place = row * channels + channel + i * LaneCount;
      Lanes input = lanesAt(inFormat(all.input, all), place, size);
      Lanes passed = passedAt(all, gate, place, input, factor[i], offset[i], size);
      sum[i] += passed;
      product[i] += passed * (input - origin[i]);
    }
  }
  UNROLL for (int i = 0; i < count; i++) {
    memcpy(sums + channel + i * LaneCount, &sum[i], size);
    memcpy(products + channel + i * LaneCount, &product[i], size);
  }
}

INLINE void gradientSumsThrough(
    CTKNormalized all, CTKGate gate, const float *centre, ptrdiff_t rows, ptrdiff_t channels,
    float *sums, float *products
) {
  memset(sums, 0, channels * sizeof(float));
  memset(products, 0, channels * sizeof(float));
  for (ptrdiff_t row = 0, step = rowsAtOnce(rows, channels); row < rows; row += step) {
    ptrdiff_t taken = rows - row < step ? rows - row : step;
#define BODY(count, size)                                                                          \
  gradientSumsOf(                                                                                  \
      all, gate, centre, row, taken, channels, channel, count, size, sums, products)
    FOR_CHANNELS(BODY)
#undef BODY
  }
}

INLINE void gradientSumsIn(
    CTKNormalized all, const float *centre, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *products
) {
  switch (all.gate) {
#define CASE(gate)                                                                                 \
  case gate: gradientSumsThrough(all, gate, centre, rows, channels, sums, products); break
    CASE(CTKGateOpen);
    CASE(CTKGateByOutput);
    CASE(CTKGateByInput);
#undef CASE
  }
}

INLINE void gradientSums(
    CTKNormalized all, const float *centre, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *products
) {
#define BODY(format) gradientSumsIn(ofFormat(all, format), centre, rows, channels, sums, products)
  FOR_FORMAT(all.format, BODY);
#undef BODY
}

INLINE void inputGradientsOf(
    CTKNormalized all, CTKGate gate, const float *a, const float *b, const float *c,
    ptrdiff_t line, ptrdiff_t channel, bool isNonTemporal, size_t size, CTKMutableNumbers dx,
    CTKMutableNumbers passedOn
) {
  ptrdiff_t place = line + channel;
  Lanes input = lanesAt(inFormat(all.input, all), place, size), factor = {0}, offset = {0};
  if (gate == CTKGateByInput) {
    factor = lanes(all.affine.factor + channel, size);
    offset = lanes(all.affine.offset + channel, size);
  }
  Lanes passed = passedAt(all, gate, place, input, factor, offset, size);
  Lanes result = lanes(a + channel, size) * passed + lanes(b + channel, size) * input
                 + lanes(c + channel, size);
  storeAt(result, dx, place, isNonTemporal, size);
  if (passedOn.address) storeAt(passed, passedOn, place, isNonTemporal, size);
}

INLINE void inputGradientsThrough(
    CTKNormalized all, CTKGate gate, const float *a, const float *b, const float *c,
    bool isNonTemporal, ptrdiff_t rows, ptrdiff_t channels, CTKMutableNumbers dx,
    CTKMutableNumbers passed
) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    ptrdiff_t line = row * channels;
#define BODY(size)                                                                                 \
  inputGradientsOf(all, gate, a, b, c, line, channel, isNonTemporal, size, dx, passed)
    FOR_LANES(channel, channels, BODY)
#undef BODY
  }
}

INLINE void inputGradientsInto(
    CTKNormalized all, const float *a, const float *b, const float *c, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, CTKMutableNumbers dx, CTKMutableNumbers passed
) {
  CTKMutableNumbers none = {0, passed.format};
  switch (all.gate) {
#define THROUGH(gate, passed)                                                                      \
  inputGradientsThrough(all, gate, a, b, c, isNonTemporal, rows, channels, dx, passed)
#define CASE(gate)                                                                                 \
  case gate:                                                                                       \
    if (passed.address) THROUGH(gate, passed);                                                     \
    else THROUGH(gate, none);                                                                      \
    break
    CASE(CTKGateOpen);
    CASE(CTKGateByOutput);
    CASE(CTKGateByInput);
#undef CASE
#undef THROUGH
  }
}

INLINE void inputGradients(
    CTKNormalized all, const float *a, const float *b, const float *c, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, void *dx, void *passed
) {
#define BODY(format)                                                                               \
  inputGradientsInto(                                                                              \
      ofFormat(all, format), a, b, c, isStreamed, rows, channels, (CTKMutableNumbers){dx, format}, \
      (CTKMutableNumbers){passed, format})
  if (isNonTemporal && allowsNonTemporal((CTKMutableNumbers){dx, all.format}, channels)
      && allowsNonTemporal((CTKMutableNumbers){passed, all.format}, channels)) {
    enum { isStreamed = true };
    FOR_FORMAT(all.format, BODY);
    fence();
  } else {
    enum { isStreamed = false };
    FOR_FORMAT(all.format, BODY);
  }
#undef BODY
}

CTK_DISPATCH(
    ctk_channel_sums, channelSums, (CTKNumbers x, const float *shift, ptrdiff_t rows,
    ptrdiff_t channels, float *sums, float *squares), (x, shift, rows, channels, sums, squares)
)
CTK_DISPATCH(
    ctk_apply_affine, applyAffine,
    (CTKNumbers x, const void *residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
     ptrdiff_t rows, ptrdiff_t channels, void *y),
    (x, residual, affine, isRectified, isNonTemporal, rows, channels, y)
)
CTK_DISPATCH(
    ctk_gradient_sums, gradientSums,
    (CTKNormalized all, const float *centre, ptrdiff_t rows, ptrdiff_t channels, float *sums,
     float *products),
    (all, centre, rows, channels, sums, products)
)
CTK_DISPATCH(
    ctk_input_gradients, inputGradients,
    (CTKNormalized all, const float *a, const float *b, const float *c, bool isNonTemporal,
     ptrdiff_t rows, ptrdiff_t channels, void *dx, void *passed),
    (all, a, b, c, isNonTemporal, rows, channels, dx, passed)
)
