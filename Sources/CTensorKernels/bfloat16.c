#define FOR_BFLOAT16
#include "include/bfloat16.h"
#include "include/isa.h"
#include "numbers.h"
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

/// The numbers in a vector.
enum { Width = 16 };

bool ctk_has_bfloat16(void) {
  return ctk_isa() == CTKISAAVX512 && __builtin_cpu_supports("avx512bf16");
}

/// A mask of the first `count` numbers of a vector.
INLINE __mmask16 first(ptrdiff_t count) {
  return count >= Width ? 0xffff : (__mmask16)((1u << (count < 0 ? 0 : count)) - 1);
}

/// pairs[i] = terms 2i and 2i + 1 of a row of numbers that need no rounding.
INLINE void copyRow(const uint16_t *row, ptrdiff_t terms, CTKBFloat16Pair *pairs) {
  memcpy(pairs, row, terms * sizeof *row);
  if (terms % 2 == 1) pairs[terms / 2] &= 0xffff;
}

TARGET void ctk_round_rows(
    CTKNumbers numbers, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t terms, CTKBFloat16Pair *pairs
) {
  ptrdiff_t count = (terms + 1) / 2;
  if (numbers.format == CTKBFloat16) {
    const uint16_t *row = numbers.address;
    for (ptrdiff_t i = 0; i < rows; i++) copyRow(row + i * stride, terms, pairs + i * count);
    return;
  }
  const float *x = numbers.address;
  for (ptrdiff_t row = 0; row < rows; row++, x += stride, pairs += count) {
    for (ptrdiff_t term = 0; term < terms; term += 2 * Width) {
      ptrdiff_t left = terms - term;
      __m512 low = _mm512_maskz_loadu_ps(first(left), x + term);
      __m512 high = _mm512_maskz_loadu_ps(first(left - Width), x + term + Width);
      _mm512_mask_storeu_epi32(
          pairs + term / 2, first((left + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
  }
}

/// The rows between those that are packed and those that are fetched from memory: the processor
/// foresees one stream, but not two that take turns, of which a thread of a Zen 5 then reads 6
/// instead of 40 GB/s.
enum { RowsAhead = 16 };

/// Fetches the line of a column from the rows ahead of two, which may be behind the last.
INLINE void prefetch(const void *row, const void *next, ptrdiff_t place, ptrdiff_t size) {
  ptrdiff_t ahead = ((const char *)next - (const char *)row) * RowsAhead;
  if (place * size % 64 != 0) return;
  __builtin_prefetch((const char *)row + place * size + ahead);
  __builtin_prefetch((const char *)next + place * size + ahead);
}

/// Numbers that need no rounding, each as a word of 32 bits.
INLINE __m512i words(const uint16_t *numbers, __mmask16 flags) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(flags, numbers));
}

/// pairs[column] = the numbers of one row and of the next, or zeros if there is none.
INLINE void pairRows(
    const uint16_t *row, const uint16_t *next, bool hasNext, ptrdiff_t columns,
    CTKBFloat16Pair *pairs
) {
  // The first or the last sixteen numbers of either row, by turns.
  const __m512i firsts = _mm512_set_epi16(
      47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35,
      3, 34, 2, 33, 1, 32, 0);
  const __m512i lasts = _mm512_add_epi16(firsts, _mm512_set1_epi16(Width));
  ptrdiff_t column = 0;
  for (; column + 2 * Width <= columns; column += 2 * Width) {
    prefetch(row, next, column, sizeof *row);
    __m512i low = _mm512_loadu_si512(row + column);
    __m512i high = hasNext ? _mm512_loadu_si512(next + column) : _mm512_setzero_si512();
    _mm512_storeu_si512(pairs + column, _mm512_permutex2var_epi16(low, firsts, high));
    _mm512_storeu_si512(pairs + column + Width, _mm512_permutex2var_epi16(low, lasts, high));
  }
  for (; column < columns; column += Width) {
    __mmask16 flags = first(columns - column);
    prefetch(row, next, column, sizeof *row);
    __m512i upper = _mm512_slli_epi32(words(next + column, hasNext ? flags : 0), 16);
    _mm512_mask_storeu_epi32(
        pairs + column, flags, _mm512_or_si512(upper, words(row + column, flags)));
  }
}

/// The same for rows that are rounded.
INLINE void roundRows(
    const float *row, const float *next, bool hasNext, ptrdiff_t columns, CTKBFloat16Pair *pairs
) {
  // Words 0, 16, 1, 17, …: alternately a number of either row.
  const __m512i alternate = _mm512_set_epi16(
      31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
      3, 18, 2, 17, 1, 16, 0);
  for (ptrdiff_t column = 0; column < columns; column += Width) {
    __mmask16 flags = first(columns - column);
    prefetch(row, next, column, sizeof *row);
    __m512 low = _mm512_maskz_loadu_ps(flags, row + column);
    __m512 high = _mm512_maskz_loadu_ps(hasNext ? flags : 0, next + column);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_mask_storeu_epi32(pairs + column, flags, _mm512_permutexvar_epi16(alternate, both));
  }
}

TARGET void ctk_round_panels(
    CTKNumbers x, ptrdiff_t stride, ptrdiff_t terms, ptrdiff_t columns, ptrdiff_t width,
    CTKBFloat16Pair *pairs
) {
  ptrdiff_t count = (terms + 1) / 2;
  // Rows are read to their end, in the order of memory.
  for (ptrdiff_t pair = 0; pair < count; pair++) {
    for (ptrdiff_t column = 0; column < columns; column += width) {
      ptrdiff_t here = columns - column < width ? columns - column : width;
      ptrdiff_t place = 2 * pair * stride + column;
      bool hasNext = 2 * pair + 1 < terms;
      CTKBFloat16Pair *to = pairs + column * count + pair * here;
      if (x.format == CTKBFloat16) {
        const uint16_t *row = (const uint16_t *)x.address + place;
        pairRows(row, row + stride, hasNext, here, to);
      } else {
        const float *row = (const float *)x.address + place;
        roundRows(row, row + stride, hasNext, here, to);
      }
    }
  }
}

#else

bool ctk_has_bfloat16(void) { return false; }

// Nobody calls these where ctk_has_bfloat16 is false.
#pragma clang diagnostic ignored "-Wunused-parameter"

void ctk_round_rows(
    CTKNumbers x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t terms, CTKBFloat16Pair *pairs
) {
  abort();
}

void ctk_round_panels(
    CTKNumbers x, ptrdiff_t stride, ptrdiff_t terms, ptrdiff_t columns, ptrdiff_t width,
    CTKBFloat16Pair *pairs
) {
  abort();
}

#endif
