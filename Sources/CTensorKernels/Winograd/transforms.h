// The transforms of one scheme, whose file defines STRIDE, EXTENT (the results of a tile along an
// axis), NAME, the points and, if they are not floats, the FORMAT of transformed numbers. Each is
// one of the matrices, applied to lines of vectors of channels along both axes.
//
// A phase, the pixels of a tile with one distance from its corner modulo the stride, meets each
// STRIDE-th tap of the kernel: a convolution of stride 1. The point at infinity, the last, is zero
// for single-tap phases.
#ifndef FORMAT
#define FORMAT CTKFloat32
#endif
#include "../dispatch.h"
#include "inputs.h"
#include "weights.h"
#include "outputs.h"

#define TO_BUFFER                                                                                  \
  (CTKWinogradImages sizes, CTKNumbers images, ptrdiff_t begin, ptrdiff_t end,                     \
   CTKWinogradBuffer buffer)
#define FROM_BUFFER                                                                                \
  (CTKWinogradImages sizes, CTKWinogradBuffer buffer, ptrdiff_t begin, ptrdiff_t end,              \
   bool accumulating, float *images)
#define OF_WEIGHT                                                                                  \
  (CTKWinogradWeightLayout layout, const float *from, ptrdiff_t begin, ptrdiff_t end, float *to)

static CTK_DISPATCH(
    transform_inputs, inputs,
    (CTKWinogradImages sizes, CTKNumbers images, CTKWinogradNormalization normalization,
     ptrdiff_t begin, ptrdiff_t end, CTKWinogradBuffer buffer),
    (sizes, images, normalization, begin, end, buffer)
)
static CTK_DISPATCH(
    transform_input_gradients, inputGradients, FROM_BUFFER,
    (sizes, buffer, begin, end, accumulating, images)
)
static CTK_DISPATCH(
    transform_outputs, outputs,
    (CTKWinogradImages sizes, CTKWinogradBuffer buffer, ptrdiff_t begin, ptrdiff_t end,
     CTKEpilogue epilogue, CTKMutableNumbers images),
    (sizes, buffer, begin, end, epilogue, images)
)
static CTK_DISPATCH(
    transform_output_gradients, outputGradients, TO_BUFFER, (sizes, images, begin, end, buffer)
)
static CTK_DISPATCH(transform_weights, weights, OF_WEIGHT, (layout, from, begin, end, to))
static CTK_DISPATCH(
    transform_weight_gradients, weightGradients, OF_WEIGHT, (layout, from, begin, end, to)
)

const CTKWinogradScheme NAME = {
  STRIDE, EXTENT, Points, FORMAT, transform_inputs, transform_input_gradients, transform_outputs,
  transform_output_gradients, transform_weights, transform_weight_gradients};
