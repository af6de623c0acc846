// Products of numbers rounded to bfloat16, the upper half of a float of 32 bits; their sums are of 32 bits.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Two neighbouring terms of a sum, as the processor multiplies them.
typedef uint32_t BFloat16Pair;

/// The most columns of one product.
enum { BFloat16PanelWidth = 64 };

/// Whether this processor has the instruction, and the limit allows it.
bool tensorMultipliesBFloat16(void);

/// pairs[row][i] = terms 2i and 2i + 1 of x[rows, terms], whose rows begin `stride` numbers apart. Behind an
/// odd last term is a zero.
void tensorRoundedRows(
    const float *x, long stride, long rows, long terms, BFloat16Pair *pairs);

/// pairs[panel][i][column of the panel] = rows 2i and 2i + 1 of x[terms, columns], whose rows begin `stride`
/// numbers apart, in panels of at most `width` columns.
void tensorRoundedPanels(
    const float *x, long stride, long terms, long columns, long width, BFloat16Pair *pairs);

/// c[rows, columns] = a · b, or += with `adds`, for a's pair i of a row at row · rowStride + i · pairStride,
/// and b[pairs][columns] of at most BFloat16PanelWidth columns.
void tensorPairProduct(
    long rows, long columns, long pairs, const BFloat16Pair *a, long rowStride, long pairStride,
    const BFloat16Pair *b, bool adds, float *c, long cStride);
