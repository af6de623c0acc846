// Products of matrices, for a file with wide lanes that defines partOf and the terms from which
// rows are fetched, of floats or, if it is FOR_BFLOAT16, of pairs.
#pragma once
#include "../include/products.h"
#include "../numbers.h"

/// The most vectors of sums of a block, which are those of AVX-512, of columns, and rows.
enum { MostSums = 24, MostVectors = 4, MostRows = 16 };

/// The rows of a block of so many vectors of columns.
INLINE int rowsOf(int vectors, int registers) {
  int rows = registers / vectors;
  return rows > MostRows ? MostRows : rows;
}

/// Fetches the rows that follow a block of so many: the processor does not foresee where each of
/// its rows goes on, and of factors in memory a block waits longer than it multiplies.
INLINE void fetchNext(int rows, CTKProduct sizes, const float *a) {
  if (sizes.termStep != 1 || sizes.terms < LeastFetched) return;
  UNROLL for (int row = 0; row < rows; row++) {
    const float *next = a + (rows + row) * sizes.rowStep;
    for (ptrdiff_t term = 0; term < sizes.terms; term += LaneCount) __builtin_prefetch(next + term);
  }
}

/// `rows` and `vectors` of the product, of which the last vector has `size` bytes.
INLINE void productBlock(
    int rows, int vectors, size_t size, CTKProduct sizes, const float *a, const float *b,
    CTKMutableNumbers c
) {
  fetchNext(rows, sizes, a);
  Lanes sums[MostSums] = {{0}};
  Spaced lefts = spacedFrom(a, sizes.rowStep, rows);
  for (ptrdiff_t term = 0; term < sizes.terms; term++, b += sizes.rightStep) {
    Lanes columns[MostVectors];
    UNROLL for (int v = 0; v < vectors; v++) {
      columns[v] = partOf(b + v * LaneCount, v == vectors - 1 ? size : sizeof(Lanes));
    }
    UNROLL for (int row = 0; row < rows; row++) {
      float left = spacedAt(&lefts, row);
      UNROLL for (int v = 0; v < vectors; v++) {
        addProduct(&sums[row * vectors + v], left, columns[v]);
      }
    }
    advance(&lefts, sizes.termStep, rows);
  }
  UNROLL for (int row = 0; row < rows; row++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      ptrdiff_t place = row * sizes.resultStep + v * LaneCount;
      size_t here = v == vectors - 1 ? size : sizeof(Lanes);
      Lanes sum = sums[row * vectors + v];
      if (sizes.accumulates) sum += lanesAt(written(c), place, here);
      storeAt(sum, c, place, false, here);
    }
  }
}

/// All rows of so many vectors of columns.
INLINE void productRows(
    int vectors, size_t size, CTKProduct sizes, const float *a, const float *b, CTKMutableNumbers c,
    int registers
) {
  ptrdiff_t row = 0;
#define BLOCKS(count)                                                                              \
  for (; row + (count) <= sizes.rows; row += (count)) {                                            \
    productBlock(                                                                                  \
        count, vectors, size, sizes, a + row * sizes.rowStep, b, into(c, row * sizes.resultStep)); \
  }
  const int most = rowsOf(vectors, registers);
  BLOCKS(most)
  if (most > 8) BLOCKS(8)
  if (most > 4) BLOCKS(4)
  if (most > 2) BLOCKS(2)
  BLOCKS(1)
#undef BLOCKS
}

/// The columns that make whole vectors; gives their number.
INLINE ptrdiff_t wholeVectors(
    CTKProduct sizes, const float *a, const float *b, CTKMutableNumbers c, int registers
) {
  ptrdiff_t column = 0;
#define VECTORS(count)                                                                             \
  for (; column + (count) * LaneCount <= sizes.columns; column += (count) * LaneCount) {           \
    productRows(count, sizeof(Lanes), sizes, a, b + column, into(c, column), registers);           \
  }
  if (registers >= MostSums) {
    VECTORS(4)
    VECTORS(3)
    VECTORS(2)
  }
  VECTORS(1)
#undef VECTORS
  return column;
}
