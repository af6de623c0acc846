// Numbers rounded to bfloat16, the upper half of a 32-bit float, as products read them.
#pragma once
#include "numbers.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Two neighbouring terms of a sum, as the instruction multiplies them.
typedef uint32_t CTKBFloat16Pair;

/// Whether this processor has the instructions and the maximum ISA allows them.
bool ctk_has_bfloat16(void);

/// pairs[row][i] = terms 2i and 2i + 1 of x[rows, terms], whose rows begin `stride` numbers apart.
/// An odd last term is paired with zero. Numbers of 16 bits are only copied.
void ctk_round_rows(
    CTKNumbers x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t terms, CTKBFloat16Pair *pairs);

/// pairs[panel][i][column of the panel] = rows 2i and 2i + 1 of x[terms, columns], whose rows begin
/// `stride` numbers apart, in panels of at most `width` columns.
void ctk_round_panels(
    CTKNumbers x, ptrdiff_t stride, ptrdiff_t terms, ptrdiff_t columns, ptrdiff_t width,
    CTKBFloat16Pair *pairs);
