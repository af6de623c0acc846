#include "include/depthwise.h"
#include "dispatch.h"
#include "epilogue.h"

/// Neighbouring results that share pixels and taps in registers.
enum { Tile = 4, MostPixels = (Tile - 1) * 2 + 5 };

/// The first tap's weights and pixel of a row of taps.
typedef struct {
  const float *pixels, *weights;
} Line;

/// Where row `i` of a kernel begins, and the row of the image that it meets.
INLINE Line lineOf(CTKDepthwiseRow row, const float *image, const float *kernel, ptrdiff_t i) {
  ptrdiff_t y = row.vertical.pixel + i * row.vertical.pixelStep;
  ptrdiff_t tap = row.vertical.tap + i * row.vertical.tapStep;
  return (Line){
    image + y * row.imageWidth * row.channels, kernel + tap * row.kernelWidth * row.channels};
}

/// `Tile` results from x on, which read all taps of rows of `kernelWidth`.
INLINE void denseTile(
    CTKDepthwiseRow row, const float *image, const float *kernel, int kernelWidth, int stride,
    CTKEpilogue epilogue, ptrdiff_t x, ptrdiff_t channel, size_t size, float *y
) {
  CTKTaps taps = row.horizontal[x];
  ptrdiff_t channels = row.channels, tapStep = taps.tapStep * channels;
  Lanes sums[Tile] = {{0}};
  for (ptrdiff_t i = 0; i < row.vertical.count; i++) {
    Line line = lineOf(
        row, image + taps.pixel * channels + channel, kernel + taps.tap * channels + channel, i);
    Lanes pixels[MostPixels];
    UNROLL for (int p = 0; p < (Tile - 1) * stride + kernelWidth; p++) {
      pixels[p] = lanes(line.pixels + p * channels, size);
    }
    UNROLL for (int tap = 0; tap < kernelWidth; tap++) {
      Lanes weights = lanes(line.weights + tap * tapStep, size);
      UNROLL for (int t = 0; t < Tile; t++) sums[t] += pixels[t * stride + tap] * weights;
    }
  }
  Finish finish = finishOf(epilogue, channel, size);
  UNROLL for (int t = 0; t < Tile; t++) {
    ptrdiff_t place = (x + t) * channels + channel;
    storePart(finished(sums[t], epilogue, finish, place, size), y + place, false, size);
  }
}

/// One result, for `count` vectors of channels.
INLINE void anyResult(
    CTKDepthwiseRow row, const float *image, const float *kernel, CTKEpilogue epilogue, ptrdiff_t x,
    ptrdiff_t channel, int count, size_t size, float *y
) {
  CTKTaps taps = row.horizontal[x];
  ptrdiff_t channels = row.channels;
  ptrdiff_t pixelStep = taps.pixelStep * channels, tapStep = taps.tapStep * channels;
  Lanes sums[Unrolled] = {{0}};
  for (ptrdiff_t i = 0; i < row.vertical.count; i++) {
    Line line = lineOf(
        row, image + taps.pixel * channels + channel, kernel + taps.tap * channels + channel, i);
    for (ptrdiff_t j = 0; j < taps.count; j++) {
      UNROLL for (int v = 0; v < count; v++) {
        sums[v] += lanes(line.pixels + j * pixelStep + v * LaneCount, size)
                   * lanes(line.weights + j * tapStep + v * LaneCount, size);
      }
    }
  }
  UNROLL for (int v = 0; v < count; v++) {
    ptrdiff_t at = channel + v * LaneCount, place = x * channels + at;
    Finish finish = finishOf(epilogue, at, size);
    storePart(finished(sums[v], epilogue, finish, place, size), y + place, false, size);
  }
}

/// The row with a kernel of a width that is known when this is compiled; 0 if it is another.
INLINE void rowOf(
    CTKDepthwiseRow row, const float *image, const float *kernel, int kernelWidth, int stride,
    CTKEpilogue epilogue, float *y
) {
  ptrdiff_t channels = row.channels;
  bool hasTiles = kernelWidth > 0 && row.denseBegin + Tile <= row.denseEnd;
  for (ptrdiff_t x = 0; x < row.width;) {
    if (hasTiles && x >= row.denseBegin && x < row.denseEnd) {
      // The last tile makes some results of the one before again.
      ptrdiff_t first = x + Tile <= row.denseEnd ? x : row.denseEnd - Tile;
#define TILE(size)                                                                                 \
  denseTile(row, image, kernel, kernelWidth, stride, epilogue, first, channel, size, y)
      FOR_LANES(channel, channels, TILE)
#undef TILE
      x = first + Tile;
    } else {
#define RESULT(count, size)                                                                        \
  anyResult(row, image, kernel, epilogue, x, channel, count, size, y)
      FOR_CHANNELS(RESULT)
#undef RESULT
      x++;
    }
  }
}

INLINE void depthwiseRow(
    CTKDepthwiseRow row, const float *image, const float *kernel, CTKEpilogue epilogue, float *y
) {
#define ROW(kernelWidth, stride) rowOf(row, image, kernel, kernelWidth, stride, epilogue, y)
  if (row.kernelWidth == 3 && row.stride == 1) ROW(3, 1);
  else if (row.kernelWidth == 3 && row.stride == 2) ROW(3, 2);
  else if (row.kernelWidth == 5 && row.stride == 1) ROW(5, 1);
  else if (row.kernelWidth == 5 && row.stride == 2) ROW(5, 2);
  else ROW(0, 0);
#undef ROW
}

// MARK: The gradient of the kernel

/// The share of the results that read all taps, for one row of the kernel and `count` vectors of
/// channels. Two vectors are as many sums as do not wait for each other.
INLINE void denseGradient(
    CTKDepthwiseRow row, const float *pixels, const float *gradient, int kernelWidth, int count,
    size_t size, float *weights
) {
  ptrdiff_t channels = row.channels;
  Lanes sums[5][2];
  UNROLL for (int tap = 0; tap < kernelWidth; tap++) {
    UNROLL for (int v = 0; v < count; v++) {
      sums[tap][v] = lanes(weights + tap * channels + v * LaneCount, size);
    }
  }
  const float *near = pixels + row.horizontal[row.denseBegin].pixel * channels;
  for (ptrdiff_t x = row.denseBegin; x < row.denseEnd; x++, near += row.stride * channels) {
    UNROLL for (int v = 0; v < count; v++) {
      Lanes slope = lanes(gradient + x * channels + v * LaneCount, size);
      UNROLL for (int tap = 0; tap < kernelWidth; tap++) {
        sums[tap][v] += lanes(near + tap * channels + v * LaneCount, size) * slope;
      }
    }
  }
  UNROLL for (int tap = 0; tap < kernelWidth; tap++) {
    UNROLL for (int v = 0; v < count; v++) {
      memcpy(weights + tap * channels + v * LaneCount, &sums[tap][v], size);
    }
  }
}

/// The share of one result, for one row of the kernel.
INLINE void gradientOfResult(
    CTKDepthwiseRow row, const float *pixels, const float *gradient, ptrdiff_t x, ptrdiff_t count,
    float *weights
) {
  CTKTaps taps = row.horizontal[x];
  for (ptrdiff_t i = 0; i < taps.count; i++) {
    const float *near = pixels + (taps.pixel + i * taps.pixelStep) * row.channels;
    const float *slopes = gradient + x * row.channels;
    float *sums = weights + (taps.tap + i * taps.tapStep) * row.channels;
#define SHARE(size)                                                                                \
  storePart(                                                                                       \
      lanes(sums + channel, size) + lanes(near + channel, size) * lanes(slopes + channel, size),   \
      sums + channel, false, size)
    FOR_LANES(channel, count, SHARE)
#undef SHARE
  }
}

INLINE void kernelGradientOf(
    CTKDepthwiseRow row, const float *image, const float *gradient, int kernelWidth,
    ptrdiff_t begin, ptrdiff_t end, float *kernel
) {
  gradient += begin;
  bool hasDense = kernelWidth > 0 && row.denseBegin < row.denseEnd;
  ptrdiff_t denseBegin = hasDense ? row.denseBegin : row.width;
  ptrdiff_t denseEnd = hasDense ? row.denseEnd : row.width;
  for (ptrdiff_t i = 0; i < row.vertical.count; i++) {
    Line line = lineOf(row, image + begin, kernel + begin, i);
    float *weights = kernel + (line.weights - kernel);
    for (ptrdiff_t x = 0; x < row.width; x++) {
      if (x == denseBegin) x = denseEnd;
      if (x == row.width) break;
      gradientOfResult(row, line.pixels, gradient, x, end - begin, weights);
    }
    if (!hasDense) continue;
    ptrdiff_t channel = 0, count = end - begin;
#define SHARE(vectors, size)                                                                       \
  denseGradient(                                                                                   \
      row, line.pixels + channel, gradient + channel, kernelWidth, vectors, size,                  \
      weights + channel)
    for (; channel + 2 * LaneCount <= count; channel += 2 * LaneCount) SHARE(2, sizeof(Lanes));
    for (; channel + LaneCount <= count; channel += LaneCount) SHARE(1, sizeof(Lanes));
    if (channel < count) SHARE(1, (count - channel) * sizeof(float));
#undef SHARE
  }
}

INLINE void depthwiseKernelGradient(
    CTKDepthwiseRow row, const float *image, const float *gradient, ptrdiff_t begin, ptrdiff_t end,
    float *kernel
) {
  switch (row.kernelWidth) {
  case 3: return kernelGradientOf(row, image, gradient, 3, begin, end, kernel);
  case 5: return kernelGradientOf(row, image, gradient, 5, begin, end, kernel);
  default: return kernelGradientOf(row, image, gradient, 0, begin, end, kernel);
  }
}

CTK_DISPATCH(
    ctk_depthwise_row, depthwiseRow,
    (CTKDepthwiseRow row, const float *image, const float *kernel, CTKEpilogue epilogue, float *y),
    (row, image, kernel, epilogue, y)
)
CTK_DISPATCH(
    ctk_depthwise_kernel_gradient, depthwiseKernelGradient,
    (CTKDepthwiseRow row, const float *image, const float *gradient, ptrdiff_t begin, ptrdiff_t end,
     float *kernel),
    (row, image, gradient, begin, end, kernel)
)
