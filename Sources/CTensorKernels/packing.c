#include "include/packing.h"
#include "dispatch.h"
#include "simd.h"

INLINE void transposePanel(
    const float *rows, ptrdiff_t stride, ptrdiff_t height, ptrdiff_t width, float *panel
) {
  ptrdiff_t whole = height / LaneCount * LaneCount, wide = width / LaneCount * LaneCount;
  for (ptrdiff_t column = 0; column < wide; column += LaneCount) {
    for (ptrdiff_t row = 0; row < whole; row += LaneCount) {
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
  for (ptrdiff_t column = 0; column < width; column++) {
    for (ptrdiff_t row = column < wide ? whole : 0; row < height; row++) {
      panel[column * height + row] = rows[row * stride + column];
    }
  }
}

CTK_DISPATCH(
    ctk_transpose_panel, transposePanel,
    (const float *rows, ptrdiff_t stride, ptrdiff_t height, ptrdiff_t width, float *panel),
    (rows, stride, height, width, panel)
)
