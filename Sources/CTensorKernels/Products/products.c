#define WITH_WIDE_LANES
#include "../dispatch.h"
#include "../numbers.h"

/// A whole vector: the columns behind those are copied into such.
INLINE Lanes partOf(const float *from, size_t size) {
  (void)size;
  Lanes value;
  load(&value, from);
  return value;
}

/// What has fewer is small, and in a cache.
enum { LeastFetched = 64 };

#include "products.h"

/// The terms whose last columns are copied at a time: 16 KB of the stack.
enum { CopiedTerms = 256 };

/// Columns that do not make a vector.
INLINE void lastColumns(
    CTKProduct sizes, const float *a, const float *b, CTKMutableNumbers c, size_t size,
    int registers
) {
  float copies[CopiedTerms * LaneCount];
  CTKProduct part = sizes;
  part.rightStep = LaneCount;
  for (ptrdiff_t term = 0; term < sizes.terms; term += CopiedTerms) {
    part.terms = sizes.terms - term < CopiedTerms ? sizes.terms - term : CopiedTerms;
    for (ptrdiff_t i = 0; i < part.terms; i++) {
      Lanes columns = lanes(b + (term + i) * sizes.rightStep, size);
      store(&columns, copies + i * LaneCount);
    }
    productRows(1, size, part, a + term * sizes.termStep, copies, c, registers);
    part.accumulates = true;
  }
}

INLINE void multiply(
    CTKProduct sizes, const float *a, const float *b, float *c, int registers
) {
  CTKMutableNumbers to = {c, CTKFloat32};
  ptrdiff_t column = wholeVectors(sizes, a, b, to, registers);
  size_t size = (sizes.columns - column) * sizeof(float);
  if (size > 0) lastColumns(sizes, a, b + column, into(to, column), size, registers);
}

#define MULTIPLY(sizes, a, b, c) multiply(sizes, a, b, c, WideSums)

CTK_DISPATCH(
    ctk_multiply, MULTIPLY, (CTKProduct sizes, const float *a, const float *b, float *c),
    (sizes, a, b, c)
)
