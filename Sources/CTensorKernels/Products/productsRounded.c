#define FOR_BFLOAT16
#include "../numbers.h"
#include "../include/products.h"

#if defined(__x86_64__)
#include <limits.h>

INLINE Lanes partOf(const float *from, size_t size) {
  return (Lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << size / sizeof(float)) - 1), from);
}

/// None: pairs are copies in a cache, or half as long.
enum { LeastFetched = INT_MAX };

#include "products.h"

/// Those of AVX-512: WideSums.
enum { Registers = MostSums };

INLINE void multiplyPairs(CTKProduct sizes, const float *a, const float *b, CTKMutableNumbers c) {
  ptrdiff_t column = wholeVectors(sizes, a, b, c, Registers);
  size_t size = (sizes.columns - column) * sizeof(float);
  if (size > 0) productRows(1, size, sizes, a, b + column, into(c, column), Registers);
}

TARGET void ctk_multiply_pairs(
    CTKProduct sizes, const CTKBFloat16Pair *a, const CTKBFloat16Pair *b, CTKMutableNumbers c
) {
#define BODY(format)                                                                               \
  multiplyPairs(sizes, (const float *)a, (const float *)b, (CTKMutableNumbers){c.address, format})
  FOR_FORMAT(c.format, BODY);
#undef BODY
}

#else

#include <stdlib.h>

// Nobody calls it where ctk_has_bfloat16 is false.
#pragma clang diagnostic ignored "-Wunused-parameter"

void ctk_multiply_pairs(
    CTKProduct sizes, const CTKBFloat16Pair *a, const CTKBFloat16Pair *b, CTKMutableNumbers c
) {
  abort();
}

#endif
