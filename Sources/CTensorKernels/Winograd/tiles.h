// Tiles, their phases and points, and where their numbers are.
#pragma once
#include "../include/winograd.h"
#include "../numbers.h"

enum {
  Points = CTK_WINOGRAD_POINTS(STRIDE, EXTENT),
  /// From the first pixel of a tile to that of the next, and the pixels that its results depend on.
  Step = EXTENT * STRIDE,
  Reach = Step - STRIDE + 3,
  Overlap = Reach - Step,
  /// The bytes of a line of the cache.
  LineOfCache = 64,
};

// Lines of more than six points do not fit in the registers. Unrolling them gains nothing and
// multiplies the time to compile.
#if EXTENT + 2 / STRIDE > 6
#define LINES _Pragma("clang loop unroll(disable)")
#else
#define LINES UNROLL
#endif

/// The points at which a phase has a number; as many as its pixels.
INLINE int pointsOf(int phase) { return Points - phase; }

/// The phases along an axis that have a number at a point.
INLINE int phasesAt(int point) { return (int)ctk_winograd_phases(STRIDE, Points, point); }

/// How many of the kernel's three taps meet a phase.
INLINE int tapsOf(int phase) { return (2 + STRIDE - phase) / STRIDE; }

/// A phase of both axes.
typedef struct {
  int row, column;
} Phase;

/// The index of a phase among those of a point in this column.
INLINE int placeOf(Phase phase, int column) {
  return phase.row * phasesAt(column) + phase.column;
}

/// Where a tile begins.
typedef struct {
  ptrdiff_t image, y, x;
} Corner;

INLINE Corner cornerOf(ptrdiff_t tile, CTKWinogradImages images, int step) {
  ptrdiff_t perImage = images.down * images.across, inImage = tile % perImage;
  return (Corner){
    tile / perImage, inImage / images.across * step - images.top,
    inImage % images.across * step - images.left};
}

/// The offset of a corner's pixel in the images; negative in the padding before the first.
INLINE ptrdiff_t pixelOf(Corner at, CTKWinogradImages images) {
  return ((at.image * images.height + at.y) * images.width + at.x) * images.channels;
}

/// The channels of a tile's phase at a point.
INLINE CTKMutableNumbers inputAt(
    CTKWinogradBuffer buffer, ptrdiff_t channels, ptrdiff_t tile, Phase phase, int row, int column
) {
  int depth = phasesAt(row) * phasesAt(column);
  ptrdiff_t plane =
      ctk_winograd_phase_plane(FORMAT, STRIDE, Points, row, column, channels * buffer.capacity);
  return into(
      (CTKMutableNumbers){buffer.numbers, FORMAT},
      plane + ((tile - buffer.first) * depth + placeOf(phase, column)) * channels);
}

/// The channels of a tile's products at a point.
INLINE CTKMutableNumbers outputAt(
    CTKWinogradBuffer buffer, ptrdiff_t channels, ptrdiff_t tile, int row, int column
) {
  ptrdiff_t plane = ctk_winograd_plane(FORMAT, Points, row, column, buffer.capacity * channels);
  return into(
      (CTKMutableNumbers){buffer.numbers, FORMAT}, plane + (tile - buffer.first) * channels);
}

/// Prefetches what the tile below reads and this one does not. The processor foresees steps within
/// a row, but not from one row of tiles to the next.
INLINE void prefetchBelow(CTKNumbers corner, ptrdiff_t rowStride, ptrdiff_t pixelStride) {
  UNROLL for (int row = 0; row < EXTENT; row++) {
    UNROLL for (int column = 0; column < EXTENT; column++) {
      __builtin_prefetch(from(corner, row * rowStride + column * pixelStride).address);
    }
  }
}

/// Whether a channel is the first in its line of the cache.
INLINE bool beginsLine(ptrdiff_t channel, CTKFormat format) {
  return channel % (LineOfCache / (ptrdiff_t)sizeOf(format)) == 0;
}
