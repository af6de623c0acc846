// images = Aᵀ m A, and the transpose: values = A dy Aᵀ.
#pragma once
#include "../epilogue.h"
#include "points.h"

/// The rows and columns of a tile's results that are in the image.
typedef struct {
  int rows, columns;
} Results;

INLINE Results resultsOf(Corner at, CTKWinogradImages images) {
  ptrdiff_t rows = images.height - at.y, columns = images.width - at.x;
  return (Results){rows < EXTENT ? rows : EXTENT, columns < EXTENT ? columns : EXTENT};
}

INLINE void outputsOfTile(
    CTKWinogradImages images, CTKWinogradBuffer products, ptrdiff_t tile, Results results,
    CTKEpilogue epilogue, CTKMutableNumbers numbers, ptrdiff_t corner
) {
  ptrdiff_t channels = images.channels;
  for (ptrdiff_t channel = 0; channel < channels; channel += LaneCount) {
    Finish finish = finishOf(epilogue, channel, sizeof(Lanes));
    Lanes half[EXTENT][Points];
    LINES for (int row = 0; row < Points; row++) {
      Lanes line[Points], result[EXTENT];
      UNROLL for (int column = 0; column < Points; column++) {
        CTKMutableNumbers from = outputAt(products, channels, tile, row, column);
        line[column] = lanesAt(written(from), channel, sizeof(Lanes));
      }
      output(line, result);
      UNROLL for (int column = 0; column < EXTENT; column++) half[column][row] = result[column];
    }
    LINES for (int column = 0; column < EXTENT; column++) {
      if (column >= results.columns) continue;
      Lanes result[EXTENT];
      output(half[column], result);
      UNROLL for (int row = 0; row < EXTENT; row++) {
        if (row >= results.rows) continue;
        ptrdiff_t place = corner + (row * images.width + column) * channels + channel;
        Lanes value = finished(result[row], epilogue, finish, place, sizeof(Lanes));
        storeAt(value, numbers, place, false, sizeof(Lanes));
      }
    }
  }
}

INLINE void outputsThen(
    CTKWinogradImages images, CTKWinogradBuffer products, ptrdiff_t begin, ptrdiff_t end,
    CTKEpilogue epilogue, CTKMutableNumbers numbers
) {
  for (ptrdiff_t tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, EXTENT);
    Results results = resultsOf(at, images), whole = {EXTENT, EXTENT};
    ptrdiff_t corner = pixelOf(at, images);
    if (results.rows == EXTENT && results.columns == EXTENT) {
      outputsOfTile(images, products, tile, whole, epilogue, numbers, corner);
    } else {
      outputsOfTile(images, products, tile, results, epilogue, numbers, corner);
    }
  }
}

INLINE void outputs(
    CTKWinogradImages images, CTKWinogradBuffer products, ptrdiff_t begin, ptrdiff_t end,
    CTKEpilogue epilogue, CTKMutableNumbers numbers
) {
#define OUTPUTS(epilogue, format)                                                                  \
  outputsThen(                                                                                     \
      images, products, begin, end, epilogue, (CTKMutableNumbers){numbers.address, format})
  FOR_RESULTS(epilogue, numbers.format, OUTPUTS);
#undef OUTPUTS
}

INLINE void outputGradientsOfTile(
    CTKWinogradImages images, CTKNumbers corner, ptrdiff_t tile, Results results,
    CTKWinogradBuffer values
) {
  ptrdiff_t channels = images.channels, rowStride = images.width * channels;
  for (ptrdiff_t channel = 0; channel < channels; channel += LaneCount) {
    if (beginsLine(channel, corner.format)) {
      prefetchBelow(from(corner, channel + EXTENT * rowStride), rowStride, channels);
    }
    Lanes half[Points][EXTENT];
    LINES for (int row = 0; row < EXTENT; row++) {
      Lanes pixels[EXTENT], result[Points];
      UNROLL for (int column = 0; column < EXTENT; column++) {
        pixels[column] = (Lanes){0};
        if (row < results.rows && column < results.columns) {
          ptrdiff_t place = row * rowStride + column * channels + channel;
          pixels[column] = lanesAt(corner, place, sizeof(Lanes));
        }
      }
      outputGradient(pixels, result);
      UNROLL for (int column = 0; column < Points; column++) half[column][row] = result[column];
    }
    LINES for (int column = 0; column < Points; column++) {
      Lanes result[Points];
      outputGradient(half[column], result);
      UNROLL for (int row = 0; row < Points; row++) {
        CTKMutableNumbers to = outputAt(values, channels, tile, row, column);
        storeAt(result[row], to, channel, false, sizeof(Lanes));
      }
    }
  }
}

INLINE void outputGradientsIn(
    CTKWinogradImages images, CTKNumbers numbers, ptrdiff_t begin, ptrdiff_t end,
    CTKWinogradBuffer values
) {
  for (ptrdiff_t tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, EXTENT);
    Results results = resultsOf(at, images), whole = {EXTENT, EXTENT};
    CTKNumbers corner = from(numbers, pixelOf(at, images));
    if (results.rows == EXTENT && results.columns == EXTENT) {
      outputGradientsOfTile(images, corner, tile, whole, values);
    } else {
      outputGradientsOfTile(images, corner, tile, results, values);
    }
  }
}

INLINE void outputGradients(
    CTKWinogradImages images, CTKNumbers numbers, ptrdiff_t begin, ptrdiff_t end,
    CTKWinogradBuffer values
) {
#define BODY(format)                                                                               \
  outputGradientsIn(images, (CTKNumbers){numbers.address, format}, begin, end, values)
  FOR_FORMAT(numbers.format, BODY);
#undef BODY
}
