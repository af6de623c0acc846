#include "include/normalization.h"
#include "everyProcessor.h"
#include "lanes.h"
#include "streams.h"

/// Vectors of neighbouring channels that are summed up side by side.
enum { Width = 4 };

/// The rows that pass before the sums of the next channels are taken up. Memory is read half as fast again from end
/// to end as in columns (31 instead of 16 to 22 GB/s, two threads of a Zen 4), so that it is one row, but where sums
/// stay in registers or leave the fastest cache.
INLINE long rowsAtOnce(long rows, long channels) {
  return channels <= Width * LaneCount ? rows : channels <= 1024 ? 1 : 4;
}

/// Calls BODY(count, size) for all channels: `count` vectors of `size` bytes from `channel` on.
#define FOR_CHANNELS(BODY)                                                                         \
  long channel = 0;                                                                                \
  for (; channel + Width * LaneCount <= channels; channel += Width * LaneCount) {                  \
    BODY(Width, sizeof(Lanes));                                                                    \
  }                                                                                                \
  for (; channel + LaneCount <= channels; channel += LaneCount) { BODY(1, sizeof(Lanes)); }        \
  if (channel < channels) { BODY(1, (channels - channel) * sizeof(float)); }

/// Zero where `decides` is zero or below; the value where it is above, or not a number.
INLINE Lanes whereAboveZero(Lanes value, Lanes decides) {
  return (Lanes)(~(decides <= 0) & (LaneFlags)value);
}

INLINE void channelSumsOf(
    const float *x, const float *shift, long rows, long channels, int count, size_t size,
    float *sums, float *squares
) {
  Lanes origin[Width], sum[Width], square[Width];
  UNROLL for (int i = 0; i < count; i++) {
    origin[i] = lanes(shift + i * LaneCount, size);
    sum[i] = lanes(sums + i * LaneCount, size);
    square[i] = lanes(squares + i * LaneCount, size);
  }
  for (long row = 0; row < rows; row++) {
    UNROLL for (int i = 0; i < count; i++) {
      Lanes distance = lanes(x + row * channels + i * LaneCount, size) - origin[i];
      sum[i] += distance;
      square[i] += distance * distance;
    }
  }
  UNROLL for (int i = 0; i < count; i++) {
    memcpy(sums + i * LaneCount, &sum[i], size);
    memcpy(squares + i * LaneCount, &square[i], size);
  }
}

INLINE void channelSums(
    const float *x, const float *shift, long rows, long channels, float *sums, float *squares
) {
  memset(sums, 0, channels * sizeof(float));
  memset(squares, 0, channels * sizeof(float));
  for (long row = 0, step = rowsAtOnce(rows, channels); row < rows; row += step) {
    long taken = rows - row < step ? rows - row : step;
    const float *values = x + row * channels;
#define BODY(count, size)                                                                          \
  channelSumsOf(                                                                                   \
      values + channel, shift + channel, taken, channels, count, size, sums + channel,             \
      squares + channel)
    FOR_CHANNELS(BODY)
#undef BODY
  }
}

INLINE void affineOf(
    const float *x, const float *residual, const float *factor, const float *offset,
    bool isRectified, bool isStreamed, size_t size, float *y
) {
  Lanes value = lanes(x, size) * lanes(factor, size) + lanes(offset, size);
  if (residual) value += lanes(residual, size);
  if (isRectified) value = whereAboveZero(value, value);
  put(value, y, isStreamed, size);
}

INLINE void affineRows(
    const float *x, const float *residual, TensorAffine affine, bool isRectified, bool isStreamed,
    long rows, long channels, float *y
) {
  for (long row = 0; row < rows; row++) {
    const float *line = x + row * channels, *added = residual ? residual + row * channels : 0;
    float *result = y + row * channels;
#define BODY(size)                                                                                 \
  affineOf(                                                                                        \
      line + channel, residual ? added + channel : 0, affine.factor + channel,                     \
      affine.offset + channel, isRectified, isStreamed, size, result + channel)
    FOR_LANES(channel, channels, BODY)
#undef BODY
  }
}

INLINE void affineInto(
    const float *x, const float *residual, TensorAffine affine, bool isRectified, bool isStreamed,
    long rows, long channels, float *y
) {
  if (residual && isRectified) affineRows(x, residual, affine, true, isStreamed, rows, channels, y);
  else if (residual) affineRows(x, residual, affine, false, isStreamed, rows, channels, y);
  else if (isRectified) affineRows(x, 0, affine, true, isStreamed, rows, channels, y);
  else affineRows(x, 0, affine, false, isStreamed, rows, channels, y);
}

INLINE void applyAffine(
    const float *x, const float *residual, TensorAffine affine, bool isRectified, bool isStreamed,
    long rows, long channels, float *y
) {
  if (isStreamed && canBeStreamed(y, channels)) {
    affineInto(x, residual, affine, isRectified, true, rows, channels, y);
    endStream();
  } else affineInto(x, residual, affine, isRectified, false, rows, channels, y);
}

/// The gradient that passed the gate, at one place.
INLINE Lanes passedAt(
    const TensorNormalized *all, TensorGate gate, long place, Lanes input, Lanes factor,
    Lanes offset, size_t size
) {
  Lanes gradient = lanes(all->gradient + place, size);
  switch (gate) {
  case TensorGateOpen: return gradient;
  case TensorGateByOutput: return whereAboveZero(gradient, lanes(all->output + place, size));
  case TensorGateByInput: return whereAboveZero(gradient, input * factor + offset);
  }
}

INLINE void gradientSumsOf(
    const TensorNormalized *all, TensorGate gate, const float *centre, long first, long rows,
    long channels, long channel, int count, size_t size, float *sums, float *products
) {
  Lanes origin[Width], factor[Width], offset[Width], sum[Width], product[Width];
  UNROLL for (int i = 0; i < count; i++) {
    long place = channel + i * LaneCount;
    origin[i] = lanes(centre + place, size);
    sum[i] = lanes(sums + place, size);
    product[i] = lanes(products + place, size);
    factor[i] = offset[i] = (Lanes){0};
    if (gate == TensorGateByInput) {
      factor[i] = lanes(all->affine.factor + place, size);
      offset[i] = lanes(all->affine.offset + place, size);
    }
  }
  for (long row = first; row < first + rows; row++) {
    UNROLL for (int i = 0; i < count; i++) {
      long place = row * channels + channel + i * LaneCount;
      Lanes input = lanes(all->input + place, size);
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
    const TensorNormalized *all, TensorGate gate, const float *centre, long rows, long channels,
    float *sums, float *products
) {
  memset(sums, 0, channels * sizeof(float));
  memset(products, 0, channels * sizeof(float));
  for (long row = 0, step = rowsAtOnce(rows, channels); row < rows; row += step) {
    long taken = rows - row < step ? rows - row : step;
#define BODY(count, size)                                                                          \
  gradientSumsOf(                                                                                  \
      all, gate, centre, row, taken, channels, channel, count, size, sums, products)
    FOR_CHANNELS(BODY)
#undef BODY
  }
}

INLINE void gradientSums(
    const TensorNormalized *from, const float *centre, long rows, long channels, float *sums,
    float *products
) {
  // A copy: for all that the compiler knows, a store may change what pointers point to.
  const TensorNormalized copy = *from, *all = &copy;
  switch (all->gate) {
#define CASE(gate)                                                                                 \
  case gate: gradientSumsThrough(all, gate, centre, rows, channels, sums, products); break
    CASE(TensorGateOpen);
    CASE(TensorGateByOutput);
    CASE(TensorGateByInput);
#undef CASE
  }
}

INLINE void inputGradientsOf(
    const TensorNormalized *all, TensorGate gate, const float *a, const float *b, const float *c,
    long line, long channel, bool isStreamed, size_t size, float *dx, float *passedOn
) {
  long place = line + channel;
  Lanes input = lanes(all->input + place, size), factor = {0}, offset = {0};
  if (gate == TensorGateByInput) {
    factor = lanes(all->affine.factor + channel, size);
    offset = lanes(all->affine.offset + channel, size);
  }
  Lanes passed = passedAt(all, gate, place, input, factor, offset, size);
  Lanes result = lanes(a + channel, size) * passed + lanes(b + channel, size) * input
                 + lanes(c + channel, size);
  put(result, dx + place, isStreamed, size);
  if (passedOn) put(passed, passedOn + place, isStreamed, size);
}

INLINE void inputGradientsThrough(
    const TensorNormalized *all, TensorGate gate, const float *a, const float *b, const float *c,
    bool isStreamed, long rows, long channels, float *dx, float *passed
) {
  for (long row = 0; row < rows; row++) {
    long line = row * channels;
#define BODY(size) inputGradientsOf(all, gate, a, b, c, line, channel, isStreamed, size, dx, passed)
    FOR_LANES(channel, channels, BODY)
#undef BODY
  }
}

INLINE void inputGradientsInto(
    const TensorNormalized *from, const float *a, const float *b, const float *c, bool isStreamed,
    long rows, long channels, float *dx, float *passed
) {
  // A copy: for all that the compiler knows, a store may change what pointers point to.
  const TensorNormalized copy = *from, *all = &copy;
  switch (all->gate) {
#define CASE(gate)                                                                                 \
  case gate:                                                                                       \
    if (passed) inputGradientsThrough(all, gate, a, b, c, isStreamed, rows, channels, dx, passed); \
    else inputGradientsThrough(all, gate, a, b, c, isStreamed, rows, channels, dx, 0);             \
    break
    CASE(TensorGateOpen);
    CASE(TensorGateByOutput);
    CASE(TensorGateByInput);
#undef CASE
  }
}

INLINE void inputGradients(
    const TensorNormalized *from, const float *a, const float *b, const float *c, bool isStreamed,
    long rows, long channels, float *dx, float *passed
) {
  if (isStreamed && canBeStreamed(dx, channels) && canBeStreamed(passed, channels)) {
    inputGradientsInto(from, a, b, c, true, rows, channels, dx, passed);
    endStream();
  } else inputGradientsInto(from, a, b, c, false, rows, channels, dx, passed);
}

EVERY_PROCESSOR(
    tensorChannelSums, channelSums,
    (const float *x, const float *shift, long rows, long channels, float *sums, float *squares),
    (x, shift, rows, channels, sums, squares)
)
EVERY_PROCESSOR(
    tensorApplyAffine, applyAffine,
    (const float *x, const float *residual, TensorAffine affine, bool isRectified, bool isStreamed,
     long rows, long channels, float *y),
    (x, residual, affine, isRectified, isStreamed, rows, channels, y)
)
EVERY_PROCESSOR(
    tensorGradientSums, gradientSums,
    (const TensorNormalized *from, const float *centre, long rows, long channels, float *sums,
     float *products),
    (from, centre, rows, channels, sums, products)
)
EVERY_PROCESSOR(
    tensorInputGradients, inputGradients,
    (const TensorNormalized *from, const float *a, const float *b, const float *c, bool isStreamed,
     long rows, long channels, float *dx, float *passed),
    (from, a, b, c, isStreamed, rows, channels, dx, passed)
)
