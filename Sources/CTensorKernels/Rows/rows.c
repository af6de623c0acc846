#define WITH_WIDE_LANES
#include "../dispatch.h"
#include "rows.h"

#define ROWS(sizes, image, kernel, epilogue, y)                                                    \
  convolutionRows(sizes, image, kernel, epilogue, y, WideSums)
#define KERNEL_GRADIENT(sizes, image, gradient, kernel)                                            \
  kernelGradient(sizes, image, gradient, kernel, WideSums)

CTK_DISPATCH(
    ctk_convolution_rows, ROWS,
    (CTKConvolutionRows sizes, const float *image, const float *kernel, CTKEpilogue epilogue,
     CTKMutableNumbers y),
    (sizes, image, kernel, epilogue, y)
)
CTK_DISPATCH(
    ctk_convolution_kernel_gradient, KERNEL_GRADIENT,
    (CTKConvolutionRows sizes, const float *image, const float *gradient, float *kernel),
    (sizes, image, gradient, kernel)
)
