// kernels = G g Gᵀ, and the transpose: weight = Gᵀ u G.
#pragma once
#include "points.h"

/// A tap of a phase among the nine.
INLINE int tapOf(Phase phase, int y, int x) {
  return (phase.row + y * STRIDE) * 3 + phase.column + x * STRIDE;
}

/// Where the kernels of a point begin.
INLINE long planeOfKernels(const WinogradKernelLayout *layout, int y, int x) {
  return startOf(y, x) * layout->outputs * layout->inputs + (y * Points + x) * WinogradGap;
}

/// Where a phase's kernels of an output and an input are at a point.
INLINE long kernelAt(
    const WinogradKernelLayout *layout, long output, long input, Phase phase, int y, int x
) {
  long rows = layout->isForOutputs ? layout->inputs : layout->outputs;
  long columns = layout->isForOutputs ? layout->outputs : layout->inputs;
  long row = layout->isForOutputs ? input : output, column = layout->isForOutputs ? output : input;
  int depth = phasesAt(y) * phasesAt(x), place = placeOf(phase, x);
  long inPanel = column % layout->panel, panel = column - inPanel;
  long width = columns - panel < layout->panel ? columns - panel : layout->panel;
  long line = layout->isForOutputs ? panel * depth * rows + (place * rows + row) * width
                                   : (place * columns + panel) * rows + row * width;
  return planeOfKernels(layout, y, x) + line + inPanel;
}

/// The nine taps of some outputs or inputs at all points.
INLINE void transformKernels(
    const WinogradKernelLayout *layout, const Lanes *taps, int tapStride, long output, long input,
    float *kernels
) {
  UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
    Phase phase = {number / STRIDE, number % STRIDE};
    Lanes half[Points][3];
    UNROLL for (int y = 0; y < 3; y++) {
      Lanes line[3], result[Points];
      UNROLL for (int x = 0; x < 3; x++) {
        bool isTap = y < tapsOf(phase.row) && x < tapsOf(phase.column);
        line[x] = isTap ? taps[tapOf(phase, y, x) * tapStride] : (Lanes){0};
      }
      kernel(line, result);
      UNROLL for (int x = 0; x < Points; x++) half[x][y] = result[x];
    }
    UNROLL for (int x = 0; x < pointsOf(phase.column); x++) {
      Lanes result[Points];
      kernel(half[x], result);
      UNROLL for (int y = 0; y < pointsOf(phase.row); y++) {
        store(&result[y], kernels + kernelAt(layout, output, input, phase, y, x));
      }
    }
  }
}

/// The kernels of LaneCount outputs and as many inputs.
INLINE void kernelsOfBlock(
    const WinogradKernelLayout *layout, const float *weight, long output, long input,
    float *kernels
) {
  Lanes taps[9][LaneCount];
  for (int tap = 0; tap < 9; tap++) {
    UNROLL for (int row = 0; row < LaneCount; row++) {
      load(&taps[tap][row], weight + ((output + row) * 9 + tap) * layout->inputs + input);
    }
    if (layout->isForOutputs) transpose(taps[tap]);
  }
  for (int row = 0; row < LaneCount; row++) {
    if (layout->isForOutputs) {
      transformKernels(layout, &taps[0][row], LaneCount, output, input + row, kernels);
    } else {
      transformKernels(layout, &taps[0][row], LaneCount, output + row, input, kernels);
    }
  }
}

INLINE void kernels(
    const WinogradKernelLayout *sizes, const float *weight, long begin, long end, float *result
) {
  const WinogradKernelLayout copy = *sizes, *layout = &copy;
  // As many outputs at a time as fill a line of the cache.
  for (long first = begin; first < end; first += LineOfCache) {
    for (long input = 0; input < layout->inputs; input += LaneCount) {
      for (long output = first; output < end && output < first + LineOfCache;
           output += LaneCount) {
        kernelsOfBlock(layout, weight, output, input, result);
      }
    }
  }
}

/// Where the gradients of a phase of an output begin at a point.
INLINE long kernelGradientAt(
    const WinogradKernelLayout *layout, long output, Phase phase, int y, int x
) {
  int depth = phasesAt(y) * phasesAt(x);
  return planeOfKernels(layout, y, x) + (output * depth + placeOf(phase, x)) * layout->inputs;
}

INLINE void kernelGradientsOfPhase(
    const WinogradKernelLayout *layout, const float *kernels, long output, Phase phase,
    float *weight
) {
  for (long channel = 0; channel < layout->inputs; channel += LaneCount) {
    Lanes half[3][Points];
    UNROLL for (int y = 0; y < Points; y++) {
      Lanes line[Points], result[3];
      UNROLL for (int x = 0; x < Points; x++) {
        line[x] = (Lanes){0};
        if (y < pointsOf(phase.row) && x < pointsOf(phase.column)) {
          load(&line[x], kernels + kernelGradientAt(layout, output, phase, y, x) + channel);
        }
      }
      kernelGradient(line, result);
      UNROLL for (int x = 0; x < 3; x++) half[x][y] = result[x];
    }
    UNROLL for (int x = 0; x < tapsOf(phase.column); x++) {
      Lanes result[3];
      kernelGradient(half[x], result);
      UNROLL for (int y = 0; y < tapsOf(phase.row); y++) {
        long line = output * 9 + tapOf(phase, y, x);
        store(&result[y], weight + line * layout->inputs + channel);
      }
    }
  }
}

INLINE void kernelGradients(
    const WinogradKernelLayout *sizes, const float *kernels, long begin, long end, float *weight
) {
  const WinogradKernelLayout copy = *sizes, *layout = &copy;
  for (long output = begin; output < end; output++) {
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      kernelGradientsOfPhase(layout, kernels, output, phase, weight);
    }
  }
}
