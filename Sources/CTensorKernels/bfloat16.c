#include "include/bfloat16.h"
#include "include/processors.h"
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define BFLOAT16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define INLINE static inline __attribute__((always_inline)) BFLOAT16
#define UNROLL _Pragma("clang loop unroll(full)")

/// The numbers in a vector, and the rows and vectors of columns whose sums fit into the registers.
enum { Width = 16, Rows = 6, Vectors = BFloat16PanelWidth / Width };

bool tensorMultipliesBFloat16(void) {
  return tensorProcessor() == TensorAVX512 && __builtin_cpu_supports("avx512bf16");
}

/// Flags of the first `count` numbers of a vector.
INLINE __mmask16 first(long count) {
  return count >= Width ? 0xffff : (__mmask16)((1u << (count < 0 ? 0 : count)) - 1);
}

BFLOAT16 void tensorRoundedRows(
    const float *x, long stride, long rows, long terms, BFloat16Pair *pairs
) {
  long count = (terms + 1) / 2;
  for (long row = 0; row < rows; row++, x += stride, pairs += count) {
    for (long term = 0; term < terms; term += 2 * Width) {
      long left = terms - term;
      __m512 low = _mm512_maskz_loadu_ps(first(left), x + term);
      __m512 high = _mm512_maskz_loadu_ps(first(left - Width), x + term + Width);
      _mm512_mask_storeu_epi32(
          pairs + term / 2, first((left + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
  }
}

/// pairs[column] = numbers of one row, and of the next if there is one.
INLINE void roundPair(
    const float *row, const float *next, bool hasNext, long columns, BFloat16Pair *pairs
) {
  // Words 0, 16, 1, 17, …: a number of the one row, and of the other.
  const __m512i turns = _mm512_set_epi16(
      31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
      3, 18, 2, 17, 1, 16, 0);
  for (long column = 0; column < columns; column += Width) {
    __mmask16 flags = first(columns - column);
    __m512 low = _mm512_maskz_loadu_ps(flags, row + column);
    __m512 high = _mm512_maskz_loadu_ps(hasNext ? flags : 0, next + column);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_mask_storeu_epi32(pairs + column, flags, _mm512_permutexvar_epi16(turns, both));
  }
}

BFLOAT16 void tensorRoundedPanels(
    const float *x, long stride, long terms, long columns, long width, BFloat16Pair *pairs
) {
  long count = (terms + 1) / 2;
  // Whole rows in turn, as they lie in memory.
  for (long pair = 0; pair < count; pair++) {
    const float *row = x + 2 * pair * stride;
    for (long column = 0; column < columns; column += width) {
      long here = columns - column < width ? columns - column : width;
      roundPair(
          row + column, row + stride + column, 2 * pair + 1 < terms, here,
          pairs + column * count + pair * here);
    }
  }
}

/// The sums of `rows` rows and `vectors` vectors of columns, both known where it is compiled.
INLINE void block(
    int rows, int vectors, __mmask16 last, long pairs, const BFloat16Pair *a, long rowStride,
    long pairStride, const BFloat16Pair *b, long bStride, bool adds, float *c, long cStride
) {
  __m512 sums[Rows][Vectors];
  UNROLL for (int row = 0; row < rows; row++) {
    UNROLL for (int vector = 0; vector < vectors; vector++) {
      sums[row][vector] = _mm512_setzero_ps();
    }
  }
  for (long pair = 0; pair < pairs; pair++, a += pairStride, b += bStride) {
    __m512bh columns[Vectors];
    UNROLL for (int vector = 0; vector < vectors; vector++) {
      __mmask16 flags = vector == vectors - 1 ? last : 0xffff;
      columns[vector] = (__m512bh)_mm512_maskz_loadu_epi32(flags, b + vector * Width);
    }
    UNROLL for (int row = 0; row < rows; row++) {
      __m512bh both = (__m512bh)_mm512_set1_epi32((int)a[row * rowStride]);
      UNROLL for (int vector = 0; vector < vectors; vector++) {
        sums[row][vector] = _mm512_dpbf16_ps(sums[row][vector], both, columns[vector]);
      }
    }
  }
  UNROLL for (int row = 0; row < rows; row++) {
    UNROLL for (int vector = 0; vector < vectors; vector++) {
      __mmask16 flags = vector == vectors - 1 ? last : 0xffff;
      float *to = c + row * cStride + vector * Width;
      __m512 sum = sums[row][vector];
      if (adds) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(flags, to));
      _mm512_mask_storeu_ps(to, flags, sum);
    }
  }
}

/// All rows of `vectors` vectors of columns, the last of which may have fewer.
INLINE void allRows(
    int vectors, __mmask16 last, long rows, long pairs, const BFloat16Pair *a, long rowStride,
    long pairStride, const BFloat16Pair *b, long bStride, bool adds, float *c, long cStride
) {
#define BLOCK(count)                                                                               \
  block(                                                                                           \
      count, vectors, last, pairs, a + row * rowStride, rowStride, pairStride, b, bStride, adds,   \
      c + row * cStride, cStride)
  long row = 0;
  for (; row + Rows <= rows; row += Rows) BLOCK(Rows);
  for (; row + 2 <= rows; row += 2) BLOCK(2);
  if (row < rows) BLOCK(1);
#undef BLOCK
}

BFLOAT16 void tensorPairProduct(
    long rows, long columns, long pairs, const BFloat16Pair *a, long rowStride, long pairStride,
    const BFloat16Pair *b, bool adds, float *c, long cStride
) {
  __mmask16 last = first(columns % Width == 0 ? Width : columns % Width);
  switch ((columns + Width - 1) / Width) {
#define VECTORS(count)                                                                             \
  case count:                                                                                      \
    allRows(                                                                                       \
        count, last, rows, pairs, a, rowStride, pairStride, b, columns, adds, c, cStride);         \
    break
    VECTORS(1);
    VECTORS(2);
    VECTORS(3);
    VECTORS(4);
#undef VECTORS
  default: abort();
  }
}

#else

bool tensorMultipliesBFloat16(void) { return false; }

void tensorRoundedRows(
    const float *x, long stride, long rows, long terms, BFloat16Pair *pairs
) {
  abort();
}

void tensorRoundedPanels(
    const float *x, long stride, long terms, long columns, long width, BFloat16Pair *pairs
) {
  abort();
}

void tensorPairProduct(
    long rows, long columns, long pairs, const BFloat16Pair *a, long rowStride, long pairStride,
    const BFloat16Pair *b, bool adds, float *c, long cStride
) {
  abort();
}

#endif
