#include "include/panels.h"
#include "everyProcessor.h"
#include "lanes.h"

INLINE void transposedPanel(
    const float *rows, long stride, long height, long width, float *panel
) {
  long whole = height / LaneCount * LaneCount, wide = width / LaneCount * LaneCount;
  for (long column = 0; column < wide; column += LaneCount) {
    for (long row = 0; row < whole; row += LaneCount) {
      Lanes block[LaneCount];
      UNROLL for (int i = 0; i < LaneCount; i++) {
        load(&block[i], rows + (row + i) * stride + column);
      }
      transpose(block);
      UNROLL for (int i = 0; i < LaneCount; i++) {
        store(&block[i], panel + (column + i) * height + row);
      }
    }
  }
  for (long column = 0; column < width; column++) {
    for (long row = column < wide ? whole : 0; row < height; row++) {
      panel[column * height + row] = rows[row * stride + column];
    }
  }
}

EVERY_PROCESSOR(
    tensorTransposedPanel, transposedPanel,
    (const float *rows, long stride, long height, long width, float *panel),
    (rows, stride, height, width, panel)
)
