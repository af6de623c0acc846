// Convolutions of images of few channels, rows of results from pixels where they are.
#pragma once
#include "epilogue.h"
#include "numbers.h"
#include <stddef.h>

/// Results[rows, width, outputs] of a kernel[lines, terms, outputs]. A line is a row of the kernel:
/// its `terms`, pixels and their channels, lie one after the other in an image, whose rows are
/// `lineStep` numbers apart: for results each `termStep` behind the one before, for gradients one.
/// The next result's are `step` numbers behind, the next row's `rowStep`. Outputs are a multiple of
/// CTKWideLaneCount.
typedef struct {
  ptrdiff_t lines, terms, termStep, lineStep, step, rowStep, rows, width, outputs;
} CTKConvolutionRows;

/// y[row, x, o] = Σ over lines and terms of image · kernel, and the epilogue of that if y are
/// floats. Residuals begin with those of the rows.
void ctk_convolution_rows(
    CTKConvolutionRows, const float *image, const float *kernel, CTKEpilogue, CTKMutableNumbers y);

/// kernel[line, term, o] += Σ over the results of image · gradient[y, x, o].
void ctk_convolution_kernel_gradient(
    CTKConvolutionRows, const float *image, const float *gradient, float *kernel);

// MARK: The same of pairs of bfloat16, whose bits floats have. Only where ctk_has_bfloat16 is true.

/// A pair of an image or of a kernel has two terms.
void ctk_convolution_rows_of_pairs(
    CTKConvolutionRows, const float *image, const float *kernel, CTKEpilogue, CTKMutableNumbers y);

/// A pair of an image or of a gradient is of two neighbouring results.
void ctk_convolution_kernel_gradient_of_pairs(
    CTKConvolutionRows, const float *image, const float *gradient, float *kernel);

/// pairs[i] = numbers i and i + distance, for i < count.
void ctk_pair_numbers(
    const uint16_t *numbers, ptrdiff_t distance, ptrdiff_t count, float *pairs);
