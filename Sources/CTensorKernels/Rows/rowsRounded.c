#define FOR_BFLOAT16
#include "../numbers.h"

#if defined(__x86_64__)

#include "rows.h"

/// Those of AVX-512: WideSums.
enum { Registers = MostSums };

TARGET void ctk_convolution_rows_of_pairs(
    CTKConvolutionRows sizes, const float *image, const float *kernel, CTKEpilogue epilogue,
    CTKMutableNumbers y
) {
  convolutionRows(sizes, image, kernel, epilogue, y, Registers);
}

TARGET void ctk_convolution_kernel_gradient_of_pairs(
    CTKConvolutionRows sizes, const float *image, const float *gradient, float *kernel
) {
  kernelGradient(sizes, image, gradient, kernel, Registers);
}

TARGET void ctk_pair_numbers(
    const uint16_t *numbers, ptrdiff_t distance, ptrdiff_t count, float *pairs
) {
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t pair = numbers[i] | (uint32_t)numbers[i + distance] << 16;
    memcpy(pairs + i, &pair, sizeof pair);
  }
}

#else

#include "../include/convolutionRows.h"
#include <stdlib.h>

// Nobody calls these where ctk_has_bfloat16 is false.
#pragma clang diagnostic ignored "-Wunused-parameter"

void ctk_convolution_rows_of_pairs(
    CTKConvolutionRows sizes, const float *image, const float *kernel, CTKEpilogue epilogue,
    CTKMutableNumbers y
) {
  abort();
}

void ctk_convolution_kernel_gradient_of_pairs(
    CTKConvolutionRows sizes, const float *image, const float *gradient, float *kernel
) {
  abort();
}

void ctk_pair_numbers(
    const uint16_t *numbers, ptrdiff_t distance, ptrdiff_t count, float *pairs
) {
  abort();
}

#endif
