// Tiles, their phases and points, and where their numbers are.
#pragma once
#include "../lanes.h"

enum {
  Points = EXTENT + (2 + STRIDE) / STRIDE - 1,
  /// From the first pixel of a tile to that of the next, and the pixels that its results depend on.
  Step = EXTENT * STRIDE,
  Reach = Step - STRIDE + 3,
  Overlap = Reach - Step,
  /// Channels that fill a line of the cache.
  LineOfCache = 16,
};

// Lines of more than six points do not fit in registers: unrolled, they are no faster, and take several times
// as long to compile.
#if EXTENT + 2 / STRIDE > 6
#define LINES _Pragma("clang loop unroll(disable)")
#else
#define LINES UNROLL
#endif

/// The points that a phase is not zero at, which are also its pixels.
INLINE int pointsOf(int phase) { return Points - phase; }

/// How many phases are not zero at a point.
INLINE int phasesAt(int point) { return point == Points - 1 ? 1 : STRIDE; }

/// How many of the kernel's three taps a phase meets.
INLINE int tapsOf(int phase) { return (2 + STRIDE - phase) / STRIDE; }

/// The place of a plane's first channel among those of all planes, in multiples of the channels.
INLINE long startOf(int row, int column) {
  return row * STRIDE * ((Points - 1) * STRIDE + 1) + column * STRIDE * phasesAt(row);
}

/// A phase of both axes.
typedef struct {
  int row, column;
} Phase;

/// The place of a phase among those of a point in this column.
INLINE int placeOf(Phase phase, int column) {
  return phase.row * phasesAt(column) + phase.column;
}

/// Where a tile begins.
typedef struct {
  long image, y, x;
} Corner;

INLINE Corner cornerOf(long tile, const WinogradImages *images, int step) {
  long perImage = images->down * images->across, inImage = tile % perImage;
  return (Corner){
    tile / perImage, inImage / images->across * step - images->top,
    inImage % images->across * step - images->left};
}

/// Where the pixel of a corner is among the numbers of images, which may be before the first.
INLINE long pixelOf(Corner at, const WinogradImages *images) {
  return ((at.image * images->height + at.y) * images->width + at.x) * images->channels;
}

/// Where a channel of a phase of a tile is at a point.
INLINE float *inputAt(
    const WinogradPlanes *planes, long channels, long tile, Phase phase, int row, int column
) {
  int depth = phasesAt(row) * phasesAt(column);
  return planes->numbers + startOf(row, column) * channels * planes->capacity
         + (row * Points + column) * WinogradGap
         + ((tile - planes->first) * depth + placeOf(phase, column)) * channels;
}

/// Where a channel of a tile's products is at a point.
INLINE float *outputAt(
    const WinogradPlanes *planes, long channels, long tile, int row, int column
) {
  long plane = row * Points + column;
  return planes->numbers + plane * (planes->capacity * channels + WinogradGap)
         + (tile - planes->first) * channels;
}

/// Fetches what the tile below will read and this one does not, while this one is computed: the
/// processor foresees steps within a row, but not from one row to the next.
INLINE void prefetchBelow(const float *corner, long rowStride, long pixelStride) {
  UNROLL for (int row = 0; row < EXTENT; row++) {
    UNROLL for (int column = 0; column < EXTENT; column++) {
      __builtin_prefetch(corner + row * rowStride + column * pixelStride);
    }
  }
}
