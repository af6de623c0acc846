// transformed = G g Gᵀ, and the transpose: weight = Gᵀ u G.
#pragma once
#include "points.h"

/// The index of a phase's tap among the nine.
INLINE int tapOf(Phase phase, int y, int x) {
  return (phase.row + y * STRIDE) * 3 + phase.column + x * STRIDE;
}

/// The offset of a point's kernels.
INLINE ptrdiff_t planeOf(CTKWinogradWeightLayout layout, int y, int x) {
  return ctk_winograd_phase_plane(FORMAT, STRIDE, Points, y, x, layout.outputs * layout.inputs);
}

/// The neighbouring terms of a sum that lie in one word of 32 bits.
enum { Terms = FORMAT == CTKBFloat16 ? 2 : 1 };

/// The word of a phase's kernel of an output and an input at a point.
INLINE ptrdiff_t kernelAt(
    CTKWinogradWeightLayout layout, ptrdiff_t output, ptrdiff_t input, Phase phase, int y, int x
) {
  ptrdiff_t rows = (layout.isForOutputs ? layout.inputs : layout.outputs) / Terms;
  ptrdiff_t columns = layout.isForOutputs ? layout.outputs : layout.inputs;
  ptrdiff_t row = (layout.isForOutputs ? input : output) / Terms;
  ptrdiff_t column = layout.isForOutputs ? output : input;
  int depth = phasesAt(y) * phasesAt(x), place = placeOf(phase, x);
  ptrdiff_t inPanel = column % layout.panel, panel = column - inPanel;
  ptrdiff_t width = columns - panel < layout.panel ? columns - panel : layout.panel;
  ptrdiff_t line = layout.isForOutputs ? panel * depth * rows + (place * rows + row) * width
                                   : (place * columns + panel) * rows + row * width;
  return planeOf(layout, y, x) / Terms + line + inPanel;
}

/// Writes words from a place on, each of as many terms.
INLINE void storeTerms(const Lanes *terms, float *words) {
  if (Terms == 1) return store(terms, words);
  Words low = __builtin_convertvector(narrowed(terms[0]), Words);
  Words both = low | __builtin_convertvector(narrowed(terms[Terms - 1]), Words) << 16;
  memcpy(words, &both, sizeof both);
}

/// Transforms the nine taps of LaneCount outputs or inputs, for each of the terms of a word.
INLINE void transformTaps(
    CTKWinogradWeightLayout layout, const Lanes *taps, int tapStride, ptrdiff_t output,
    ptrdiff_t input, float *transformed
) {
  UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
    Phase phase = {number / STRIDE, number % STRIDE};
    Lanes half[Terms][Points][3];
    UNROLL for (int term = 0; term < Terms; term++) {
      UNROLL for (int y = 0; y < 3; y++) {
        Lanes line[3], result[Points];
        UNROLL for (int x = 0; x < 3; x++) {
          bool isTap = y < tapsOf(phase.row) && x < tapsOf(phase.column);
          line[x] = isTap ? taps[tapOf(phase, y, x) * tapStride + term] : (Lanes){0};
        }
        kernel(line, result);
        UNROLL for (int x = 0; x < Points; x++) half[term][x][y] = result[x];
      }
    }
    UNROLL for (int x = 0; x < pointsOf(phase.column); x++) {
      Lanes result[Points][Terms];
      UNROLL for (int term = 0; term < Terms; term++) {
        Lanes line[Points];
        kernel(half[term][x], line);
        UNROLL for (int y = 0; y < Points; y++) result[y][term] = line[y];
      }
      UNROLL for (int y = 0; y < pointsOf(phase.row); y++) {
        storeTerms(result[y], transformed + kernelAt(layout, output, input, phase, y, x));
      }
    }
  }
}

/// Transforms the kernels of LaneCount outputs and as many inputs.
INLINE void transformBlock(
    CTKWinogradWeightLayout layout, const float *weight, ptrdiff_t output, ptrdiff_t input,
    float *transformed
) {
  Lanes taps[9][LaneCount];
  for (int tap = 0; tap < 9; tap++) {
    UNROLL for (int row = 0; row < LaneCount; row++) {
      load(&taps[tap][row], weight + ((output + row) * 9 + tap) * layout.inputs + input);
    }
    if (layout.isForOutputs) transpose(taps[tap]);
  }
  for (int row = 0; row < LaneCount; row += Terms) {
    if (layout.isForOutputs) {
      transformTaps(layout, &taps[0][row], LaneCount, output, input + row, transformed);
    } else {
      transformTaps(layout, &taps[0][row], LaneCount, output + row, input, transformed);
    }
  }
}

INLINE void weights(
    CTKWinogradWeightLayout layout, const float *weight, ptrdiff_t begin, ptrdiff_t end,
    float *result
) {
  // As many outputs at a time as fill a line of the cache.
  for (ptrdiff_t first = begin; first < end; first += LineOfCache) {
    for (ptrdiff_t input = 0; input < layout.inputs; input += LaneCount) {
      for (ptrdiff_t output = first; output < end && output < first + LineOfCache;
           output += LaneCount) {
        transformBlock(layout, weight, output, input, result);
      }
    }
  }
}

/// The offset of the gradients of an output's phase at a point.
INLINE ptrdiff_t kernelGradientAt(
    CTKWinogradWeightLayout layout, ptrdiff_t output, Phase phase, int y, int x
) {
  int depth = phasesAt(y) * phasesAt(x);
  return planeOf(layout, y, x) + (output * depth + placeOf(phase, x)) * layout.inputs;
}

INLINE void weightGradientsOfPhase(
    CTKWinogradWeightLayout layout, const float *transformed, ptrdiff_t output, Phase phase,
    float *weight
) {
  for (ptrdiff_t channel = 0; channel < layout.inputs; channel += LaneCount) {
    Lanes half[3][Points];
    UNROLL for (int y = 0; y < Points; y++) {
      Lanes line[Points], result[3];
      UNROLL for (int x = 0; x < Points; x++) {
        line[x] = (Lanes){0};
        if (y < pointsOf(phase.row) && x < pointsOf(phase.column)) {
          load(&line[x], transformed + kernelGradientAt(layout, output, phase, y, x) + channel);
        }
      }
      kernelGradient(line, result);
      UNROLL for (int x = 0; x < 3; x++) half[x][y] = result[x];
    }
    UNROLL for (int x = 0; x < tapsOf(phase.column); x++) {
      Lanes result[3];
      kernelGradient(half[x], result);
      UNROLL for (int y = 0; y < tapsOf(phase.row); y++) {
        ptrdiff_t line = output * 9 + tapOf(phase, y, x);
        store(&result[y], weight + line * layout.inputs + channel);
      }
    }
  }
}

INLINE void weightGradients(
    CTKWinogradWeightLayout layout, const float *transformed, ptrdiff_t begin, ptrdiff_t end,
    float *weight
) {
  for (ptrdiff_t output = begin; output < end; output++) {
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      weightGradientsOfPhase(layout, transformed, output, phase, weight);
    }
  }
}
