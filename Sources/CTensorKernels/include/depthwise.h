// Convolutions of one kernel for each channel, a row of results at a time.
#pragma once
#include "epilogue.h"
#include <stddef.h>

/// The taps of a kernel that meet pixels of an image along one axis: for i < count, tap + i ·
/// tapStep meets pixel + i · pixelStep.
typedef struct {
  ptrdiff_t count, tap, tapStep, pixel, pixelStep;
} CTKTaps;

/// A row of `width` results, and what each reads of an image[height, imageWidth, channels] with a
/// kernel[height, kernelWidth, channels].
typedef struct {
  ptrdiff_t imageWidth, channels, kernelWidth, width;
  /// The taps of the row, and those of each of its results.
  CTKTaps vertical;
  const CTKTaps *horizontal;
  /// Results begin..<end read all taps of a kernel's row, of neighbouring pixels, each `stride`
  /// pixels after the result before.
  ptrdiff_t denseBegin, denseEnd, stride;
} CTKDepthwiseRow;

/// y[x, c] = Σ over taps of image[pixel, c] · kernel[tap, c], and the epilogue of that. Residuals
/// begin with those of the row.
void ctk_depthwise_row(
    CTKDepthwiseRow, const float *image, const float *kernel, CTKEpilogue, float *y);

/// kernel[tap, c] += Σ over the row's results of image[pixel, c] · gradient[x, c], for channels
/// begin..<end.
void ctk_depthwise_kernel_gradient(
    CTKDepthwiseRow, const float *image, const float *gradient, ptrdiff_t begin, ptrdiff_t end,
    float *kernel);
