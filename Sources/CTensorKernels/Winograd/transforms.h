// The transforms of one scheme, whose file defines STRIDE, EXTENT (the results of a tile along an axis), NAME
// and the points. Each is one of the matrices, applied to lines of vectors of channels along both axes.
//
// The pixels of a tile are told apart by their distance from its corner modulo the stride: such a phase
// meets each STRIDE-th tap of the kernel, a convolution of stride 1 of its own. At infinity, the last of
// the points, there is nothing of a phase with but one tap.
#include "../everyProcessor.h"
#include "inputs.h"
#include "kernels.h"
#include "outputs.h"

#define NAMED(transform) JOINED(NAME, transform)
#define JOINED(name, transform) JOINED_AGAIN(name, transform)
#define JOINED_AGAIN(name, transform) name##transform
#define TO_PLANES                                                                                  \
  (const WinogradImages *images, const float *numbers, long begin, long end,                       \
   const WinogradPlanes *planes)
#define FROM_PLANES                                                                                \
  (const WinogradImages *images, const WinogradPlanes *planes, long begin, long end, float *numbers)
#define OF_KERNELS                                                                                 \
  (const WinogradKernelLayout *layout, const float *from, long begin, long end, float *to)

EVERY_PROCESSOR(NAMED(Inputs), inputs, TO_PLANES, (images, numbers, begin, end, planes))
EVERY_PROCESSOR(
    NAMED(InputGradients), inputGradients, FROM_PLANES, (images, planes, begin, end, numbers)
)
EVERY_PROCESSOR(NAMED(Outputs), outputs, FROM_PLANES, (images, planes, begin, end, numbers))
EVERY_PROCESSOR(
    NAMED(OutputGradients), outputGradients, TO_PLANES, (images, numbers, begin, end, planes)
)
EVERY_PROCESSOR(NAMED(Kernels), kernels, OF_KERNELS, (layout, from, begin, end, to))
EVERY_PROCESSOR(NAMED(KernelGradients), kernelGradients, OF_KERNELS, (layout, from, begin, end, to))

const WinogradTransforms NAME = {
  STRIDE, EXTENT, NAMED(Inputs), NAMED(InputGradients), NAMED(Outputs), NAMED(OutputGradients),
  NAMED(Kernels), NAMED(KernelGradients)};
