// values = Bᵀ d B, and the transpose: images = Σ B v Bᵀ.
#pragma once
#include "../epilogue.h"
#include "points.h"

/// Whether all that a tile depends on is in the image.
INLINE bool isInside(Corner at, CTKWinogradImages images) {
  return at.y >= 0 && at.x >= 0 && at.y + Reach <= images.height && at.x + Reach <= images.width;
}

/// A normalization's numbers for a vector of channels of an image, if it has any.
INLINE Finish normalOf(
    CTKWinogradNormalization all, bool isNormalized, ptrdiff_t image, ptrdiff_t channels,
    ptrdiff_t channel
) {
  if (!isNormalized) return finishOf((CTKEpilogue){0}, channel, sizeof(Lanes));
  ptrdiff_t sample = image / all.imagesPerSample * channels;
  CTKEpilogue numbers = {
    all.affine.factor + sample, all.affine.offset + sample, 0, all.isRectified};
  return finishOf(numbers, channel, sizeof(Lanes));
}

INLINE void inputsOfPhase(
    CTKWinogradImages images, CTKNumbers numbers, CTKWinogradNormalization normalization,
    bool isNormalized, ptrdiff_t tile, Phase phase, bool isWhole, CTKWinogradBuffer values
) {
  ptrdiff_t channels = images.channels, width = images.width;
  Corner at = cornerOf(tile, images, Step);
  ptrdiff_t y = at.y + phase.row, x = at.x + phase.column;
  CTKNumbers corner = from(numbers, pixelOf((Corner){at.image, y, x}, images));
  ptrdiff_t pixelStride = STRIDE * channels, rowStride = STRIDE * width * channels;
  for (ptrdiff_t channel = 0; channel < channels; channel += LaneCount) {
    if (beginsLine(channel, corner.format)) {
      prefetchBelow(
          from(corner, channel + pointsOf(phase.row) * rowStride), rowStride, pixelStride);
    }
    Finish normal = normalOf(normalization, isNormalized, at.image, channels, channel);
    Lanes half[Points][Points];
    LINES for (int row = 0; row < pointsOf(phase.row); row++) {
      Lanes pixels[Points];
      CTKNumbers line = from(corner, channel + row * rowStride);
      ptrdiff_t place = y + row * STRIDE;
      bool isRow = isWhole || (place >= 0 && place < images.height);
      UNROLL for (int column = 0; column < Points; column++) {
        ptrdiff_t place = x + column * STRIDE;
        bool isPixel = isRow && (isWhole || (place >= 0 && place < width));
        pixels[column] = (Lanes){0};
        if (column < pointsOf(phase.column) && isPixel) {
          pixels[column] = lanesAt(line, column * pixelStride, sizeof(Lanes));
          if (isNormalized) {
            // As they would be had they been written.
            Lanes value = bounded(scaled(pixels[column], normal), normal);
            pixels[column] = corner.format == CTKBFloat16 ? widened(narrowed(value)) : value;
          }
        }
      }
      input(pixels, half[row]);
    }
    LINES for (int column = 0; column < pointsOf(phase.column); column++) {
      Lanes line[Points], result[Points];
      UNROLL for (int row = 0; row < Points; row++) {
        line[row] = row < pointsOf(phase.row) ? half[row][column] : (Lanes){0};
      }
      input(line, result);
      UNROLL for (int row = 0; row < pointsOf(phase.row); row++) {
        CTKMutableNumbers to = inputAt(values, channels, tile, phase, row, column);
        storeAt(result[row], to, channel, false, sizeof(Lanes));
      }
    }
  }
}

INLINE void inputsIn(
    CTKWinogradImages images, CTKNumbers numbers, CTKWinogradNormalization normalization,
    bool isNormalized, ptrdiff_t begin, ptrdiff_t end, CTKWinogradBuffer values
) {
  for (ptrdiff_t tile = begin; tile < end; tile++) {
    bool isWhole = isInside(cornerOf(tile, images, Step), images);
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
#define PHASE(isWhole)                                                                             \
  inputsOfPhase(images, numbers, normalization, isNormalized, tile, phase, isWhole, values)
      if (isWhole) PHASE(true);
      else PHASE(false);
#undef PHASE
    }
  }
}

INLINE void inputs(
    CTKWinogradImages images, CTKNumbers numbers, CTKWinogradNormalization normalization,
    ptrdiff_t begin, ptrdiff_t end, CTKWinogradBuffer values
) {
#define INPUTS(isNormalized, format)                                                               \
  inputsIn(                                                                                        \
      images, (CTKNumbers){numbers.address, format}, normalization, isNormalized, begin, end,      \
      values)
#define NORMALIZED(format) INPUTS(true, format)
#define PLAIN(format) INPUTS(false, format)
  if (normalization.affine.factor) {
    FOR_FORMAT(numbers.format, NORMALIZED);
  } else {
    FOR_FORMAT(numbers.format, PLAIN);
  }
#undef PLAIN
#undef NORMALIZED
#undef INPUTS
}

/// The first tile of a pixel stores its gradient, unless that is `accumulating`, and the later ones
/// add theirs: tiles share `Overlap` rows with those above, and as many columns with those to the
/// left.
INLINE void inputGradientsOfPhase(
    CTKWinogradImages images, CTKWinogradBuffer values, ptrdiff_t tile, Phase phase,
    bool isWhole, bool accumulating, float *numbers
) {
  ptrdiff_t channels = images.channels, width = images.width;
  Corner at = cornerOf(tile, images, Step);
  bool isBelow = at.y > -images.top, isRight = at.x > -images.left;
  ptrdiff_t y = at.y + phase.row, x = at.x + phase.column;
  float *corner = numbers + pixelOf((Corner){at.image, y, x}, images);
  for (ptrdiff_t channel = 0; channel < channels; channel += LaneCount) {
    Lanes half[Points][Points];
    LINES for (int column = 0; column < pointsOf(phase.column); column++) {
      Lanes line[Points], result[Points];
      UNROLL for (int row = 0; row < Points; row++) {
        line[row] = (Lanes){0};
        if (row < pointsOf(phase.row)) {
          CTKMutableNumbers from = inputAt(values, channels, tile, phase, row, column);
          line[row] = lanesAt(written(from), channel, sizeof(Lanes));
        }
      }
      inputGradient(line, result);
      UNROLL for (int row = 0; row < pointsOf(phase.row); row++) half[row][column] = result[row];
    }
    LINES for (int row = 0; row < pointsOf(phase.row); row++) {
      ptrdiff_t place = y + row * STRIDE;
      if (!isWhole && (place < 0 || place >= images.height)) continue;
      Lanes result[Points];
      if (pointsOf(phase.column) < Points) half[row][Points - 1] = (Lanes){0};
      inputGradient(half[row], result);
      UNROLL for (int column = 0; column < pointsOf(phase.column); column++) {
        ptrdiff_t place = x + column * STRIDE;
        if (!isWhole && (place < 0 || place >= width)) continue;
        float *pixel = corner + (row * width + column) * STRIDE * channels + channel;
        if (accumulating || (isBelow && phase.row + row * STRIDE < Overlap)
            || (isRight && phase.column + column * STRIDE < Overlap)) {
          add(&result[column], pixel);
        } else {
          store(&result[column], pixel);
        }
      }
    }
  }
}

INLINE void inputGradients(
    CTKWinogradImages images, CTKWinogradBuffer values, ptrdiff_t begin, ptrdiff_t end,
    bool accumulating, float *numbers
) {
  for (ptrdiff_t tile = begin; tile < end; tile++) {
    bool isWhole = isInside(cornerOf(tile, images, Step), images);
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      if (isWhole) {
        inputGradientsOfPhase(images, values, tile, phase, true, accumulating, numbers);
      } else {
        inputGradientsOfPhase(images, values, tile, phase, false, accumulating, numbers);
      }
    }
  }
}
