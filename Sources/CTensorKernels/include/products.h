// Products of matrices on the calling thread, which read their factors where these are.
#pragma once
#include "bfloat16.h"
#include "numbers.h"
#include <stdbool.h>
#include <stddef.h>

/// c[rows, columns] = Σ over terms of a[row, term] · b[term, column]. Steps are numbers of
/// elements.
typedef struct {
  ptrdiff_t rows, columns, terms;
  /// From a row and from a term of a to the next.
  ptrdiff_t rowStep, termStep;
  /// From a term of b to the next, whose columns are neighbours.
  ptrdiff_t rightStep;
  /// From a row of c to the next.
  ptrdiff_t resultStep;
  /// Whether the product is added to c.
  bool accumulates;
} CTKProduct;

void ctk_multiply(CTKProduct sizes, const float *a, const float *b, float *c);

/// The same of pairs of bfloat16: terms, and steps of factors, are those of pairs.
void ctk_multiply_pairs(
    CTKProduct sizes, const CTKBFloat16Pair *a, const CTKBFloat16Pair *b, CTKMutableNumbers c);
