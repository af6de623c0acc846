// The transforms of one scheme, whose file defines STRIDE, EXTENT (the results of a tile along an axis),
// NAME and six functions: each is one of the matrices, applied to a line of vectors of channels; along
// both axes it is the transform.
//
// The pixels of a tile are told apart by their distance from its corner modulo the stride: such a phase
// meets each STRIDE-th tap of the kernel, a convolution of stride 1 of its own. At infinity, the last of
// the points, there is nothing of a phase with but one tap.
#include "../lanes.h"
#include "../processors.h"

enum {
  Points = EXTENT + (2 + STRIDE) / STRIDE - 1,
  /// From the first pixel of a tile to that of the next, and the pixels that its results depend on.
  Step = EXTENT * STRIDE,
  Reach = Step - STRIDE + 3,
  Overlap = Reach - Step,
  /// Pixels that fill a line of the cache.
  LineOfCache = 16,
};

/// The points that a phase is not zero at, which are also its pixels.
INLINE int pointsOf(int phase) { return Points - phase; }

/// How many phases are not zero at a point.
INLINE int phasesAt(int point) { return point == Points - 1 ? 1 : STRIDE; }

/// How many of the kernel's three taps a phase meets.
INLINE int tapsOf(int phase) { return (2 + STRIDE - phase) / STRIDE; }

/// The place of a plane's first channel among those of all planes, in multiples of the channels.
INLINE long startOf(int row, int column) {
  return row * STRIDE * ((Points - 1) * STRIDE + 1) + column * STRIDE * phasesAt(row);
}

/// A phase of both axes.
typedef struct {
  int row, column;
} Phase;

/// Where a tile begins.
typedef struct {
  long image, y, x;
} Corner;

INLINE Corner cornerOf(long tile, const WinogradImages *images, int step) {
  long perImage = images->down * images->across, inImage = tile % perImage;
  return (Corner){
    tile / perImage, inImage / images->across * step - images->top,
    inImage % images->across * step - images->left};
}

/// Where a channel of a phase of a tile is at a point.
INLINE float *inputAt(
    const WinogradPlanes *planes, long channels, long tile, Phase phase, int row, int column
) {
  int depth = phasesAt(row) * phasesAt(column);
  int place = phase.row * phasesAt(column) + phase.column;
  return planes->numbers + startOf(row, column) * channels * planes->capacity
         + (row * Points + column) * WinogradGap
         + ((tile - planes->first) * depth + place) * channels;
}

/// Where a channel of a tile's products is at a point.
INLINE float *outputAt(
    const WinogradPlanes *planes, long channels, long tile, int row, int column
) {
  long plane = row * Points + column;
  return planes->numbers + plane * (planes->capacity * channels + WinogradGap)
         + (tile - planes->first) * channels;
}

// Inputs

/// Fetches what the tile below will read and this one does not, while this one is computed: the
/// processor foresees steps within a row, but not from one row to the next.
INLINE void prefetchBelow(const float *corner, long rowStride, long pixelStride) {
  UNROLL for (int row = 0; row < EXTENT; row++) {
    UNROLL for (int column = 0; column < EXTENT; column++) {
      __builtin_prefetch(corner + row * rowStride + column * pixelStride);
    }
  }
}

INLINE void inputsOfPhase(
    const WinogradImages *images, const float *numbers, long tile, Phase phase, bool isInside,
    const WinogradPlanes *values
) {
  long channels = images->channels, width = images->width;
  Corner at = cornerOf(tile, images, Step);
  long y = at.y + phase.row, x = at.x + phase.column;
  const float *corner = numbers + ((at.image * images->height + y) * width + x) * channels;
  long pixelStride = STRIDE * channels, rowStride = STRIDE * width * channels;
  for (long channel = 0; channel < channels; channel += LaneCount) {
    if (channel % LineOfCache == 0) {
      prefetchBelow(corner + channel + pointsOf(phase.row) * rowStride, rowStride, pixelStride);
    }
    Lanes half[Points][Points];
    UNROLL for (int row = 0; row < pointsOf(phase.row); row++) {
      Lanes pixels[Points];
      const float *line = corner + channel + row * rowStride;
      long place = y + row * STRIDE;
      bool isRow = isInside || (place >= 0 && place < images->height);
      UNROLL for (int column = 0; column < Points; column++) {
        long place = x + column * STRIDE;
        bool isPixel = isRow && (isInside || (place >= 0 && place < width));
        pixels[column] = (Lanes){0};
        if (column < pointsOf(phase.column) && isPixel) {
          load(&pixels[column], line + column * pixelStride);
        }
      }
      input(pixels, half[row]);
    }
    UNROLL for (int column = 0; column < pointsOf(phase.column); column++) {
      Lanes line[Points], result[Points];
      UNROLL for (int row = 0; row < Points; row++) {
        line[row] = row < pointsOf(phase.row) ? half[row][column] : (Lanes){0};
      }
      input(line, result);
      UNROLL for (int row = 0; row < pointsOf(phase.row); row++) {
        store(&result[row], inputAt(values, channels, tile, phase, row, column) + channel);
      }
    }
  }
}

INLINE void inputs(
    const WinogradImages *images, const float *numbers, long begin, long end,
    const WinogradPlanes *values
) {
  for (long tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, Step);
    bool isInside = at.y >= 0 && at.x >= 0 && at.y + Reach <= images->height
                    && at.x + Reach <= images->width;
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      if (isInside) {
        inputsOfPhase(images, numbers, tile, phase, true, values);
      } else {
        inputsOfPhase(images, numbers, tile, phase, false, values);
      }
    }
  }
}

/// The first tile of a pixel stores its gradient and the later ones add theirs: tiles share `Overlap`
/// rows with those above, and as many columns with those to the left.
INLINE void inputGradientsOfPhase(
    const WinogradImages *images, const WinogradPlanes *values, long tile, Phase phase,
    bool isInside, float *numbers
) {
  long channels = images->channels, width = images->width;
  Corner at = cornerOf(tile, images, Step);
  bool isBelow = at.y > -images->top, isRight = at.x > -images->left;
  long y = at.y + phase.row, x = at.x + phase.column;
  float *corner = numbers + ((at.image * images->height + y) * width + x) * channels;
  for (long channel = 0; channel < channels; channel += LaneCount) {
    Lanes half[Points][Points];
    UNROLL for (int column = 0; column < pointsOf(phase.column); column++) {
      Lanes line[Points], result[Points];
      UNROLL for (int row = 0; row < Points; row++) {
        line[row] = (Lanes){0};
        if (row < pointsOf(phase.row)) {
          load(&line[row], inputAt(values, channels, tile, phase, row, column) + channel);
        }
      }
      inputGradient(line, result);
      UNROLL for (int row = 0; row < pointsOf(phase.row); row++) half[row][column] = result[row];
    }
    UNROLL for (int row = 0; row < pointsOf(phase.row); row++) {
      long place = y + row * STRIDE;
      if (!isInside && (place < 0 || place >= images->height)) continue;
      Lanes result[Points];
      if (pointsOf(phase.column) < Points) half[row][Points - 1] = (Lanes){0};
      inputGradient(half[row], result);
      UNROLL for (int column = 0; column < pointsOf(phase.column); column++) {
        long place = x + column * STRIDE;
        if (!isInside && (place < 0 || place >= width)) continue;
        float *pixel = corner + (row * width + column) * STRIDE * channels + channel;
        if ((isBelow && phase.row + row * STRIDE < Overlap)
            || (isRight && phase.column + column * STRIDE < Overlap)) {
          add(&result[column], pixel);
        } else {
          store(&result[column], pixel);
        }
      }
    }
  }
}

INLINE void inputGradients(
    const WinogradImages *images, const WinogradPlanes *values, long begin, long end,
    float *numbers
) {
  for (long tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, Step);
    bool isInside = at.y >= 0 && at.x >= 0 && at.y + Reach <= images->height
                    && at.x + Reach <= images->width;
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      if (isInside) {
        inputGradientsOfPhase(images, values, tile, phase, true, numbers);
      } else {
        inputGradientsOfPhase(images, values, tile, phase, false, numbers);
      }
    }
  }
}

// Outputs

/// The rows and columns of a tile's results that are in the image.
typedef struct {
  int rows, columns;
} Results;

INLINE Results resultsOf(Corner at, const WinogradImages *images) {
  long rows = images->height - at.y, columns = images->width - at.x;
  return (Results){rows < EXTENT ? rows : EXTENT, columns < EXTENT ? columns : EXTENT};
}

INLINE void outputsOfTile(
    const WinogradImages *images, const WinogradPlanes *products, long tile, Results results,
    float *corner
) {
  long channels = images->channels;
  for (long channel = 0; channel < channels; channel += LaneCount) {
    Lanes half[EXTENT][Points];
    UNROLL for (int row = 0; row < Points; row++) {
      Lanes line[Points], result[EXTENT];
      UNROLL for (int column = 0; column < Points; column++) {
        load(&line[column], outputAt(products, channels, tile, row, column) + channel);
      }
      output(line, result);
      UNROLL for (int column = 0; column < EXTENT; column++) half[column][row] = result[column];
    }
    UNROLL for (int column = 0; column < EXTENT; column++) {
      if (column >= results.columns) continue;
      Lanes result[EXTENT];
      output(half[column], result);
      UNROLL for (int row = 0; row < EXTENT; row++) {
        if (row >= results.rows) continue;
        store(&result[row], corner + (row * images->width + column) * channels + channel);
      }
    }
  }
}

INLINE void outputs(
    const WinogradImages *images, const WinogradPlanes *products, long begin, long end,
    float *numbers
) {
  for (long tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, EXTENT);
    Results results = resultsOf(at, images), whole = {EXTENT, EXTENT};
    float *corner =
        numbers + ((at.image * images->height + at.y) * images->width + at.x) * images->channels;
    if (results.rows == EXTENT && results.columns == EXTENT) {
      outputsOfTile(images, products, tile, whole, corner);
    } else {
      outputsOfTile(images, products, tile, results, corner);
    }
  }
}

INLINE void outputGradientsOfTile(
    const WinogradImages *images, const float *corner, long tile, Results results,
    const WinogradPlanes *values
) {
  long channels = images->channels, rowStride = images->width * channels;
  for (long channel = 0; channel < channels; channel += LaneCount) {
    if (channel % LineOfCache == 0) {
      prefetchBelow(corner + channel + EXTENT * rowStride, rowStride, channels);
    }
    Lanes half[Points][EXTENT];
    UNROLL for (int row = 0; row < EXTENT; row++) {
      Lanes pixels[EXTENT], result[Points];
      UNROLL for (int column = 0; column < EXTENT; column++) {
        pixels[column] = (Lanes){0};
        if (row < results.rows && column < results.columns) {
          load(&pixels[column], corner + row * rowStride + column * channels + channel);
        }
      }
      outputGradient(pixels, result);
      UNROLL for (int column = 0; column < Points; column++) half[column][row] = result[column];
    }
    UNROLL for (int column = 0; column < Points; column++) {
      Lanes result[Points];
      outputGradient(half[column], result);
      UNROLL for (int row = 0; row < Points; row++) {
        store(&result[row], outputAt(values, channels, tile, row, column) + channel);
      }
    }
  }
}

INLINE void outputGradients(
    const WinogradImages *images, const float *numbers, long begin, long end,
    const WinogradPlanes *values
) {
  for (long tile = begin; tile < end; tile++) {
    Corner at = cornerOf(tile, images, EXTENT);
    Results results = resultsOf(at, images), whole = {EXTENT, EXTENT};
    const float *corner =
        numbers + ((at.image * images->height + at.y) * images->width + at.x) * images->channels;
    if (results.rows == EXTENT && results.columns == EXTENT) {
      outputGradientsOfTile(images, corner, tile, whole, values);
    } else {
      outputGradientsOfTile(images, corner, tile, results, values);
    }
  }
}

// Kernels

/// A tap of a phase among the nine.
INLINE int tapOf(Phase phase, int y, int x) {
  return (phase.row + y * STRIDE) * 3 + phase.column + x * STRIDE;
}

/// The place of a phase among those of a point.
INLINE int placeOf(Phase phase, int x) { return phase.row * phasesAt(x) + phase.column; }

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
    const WinogradKernelLayout *layout, const float *weight, long begin, long end, float *result
) {
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
    const WinogradKernelLayout *layout, const float *kernels, long begin, long end, float *weight
) {
  for (long output = begin; output < end; output++) {
    UNROLL for (int number = 0; number < STRIDE * STRIDE; number++) {
      Phase phase = {number / STRIDE, number % STRIDE};
      kernelGradientsOfPhase(layout, kernels, output, phase, weight);
    }
  }
}

// For every processor

#define TO_PLANES                                                                                  \
  (const WinogradImages *images, const float *numbers, long begin, long end,                       \
   const WinogradPlanes *planes)
#define FROM_PLANES                                                                                \
  (const WinogradImages *images, const WinogradPlanes *planes, long begin, long end, float *numbers)
#define OF_KERNELS                                                                                 \
  (const WinogradKernelLayout *layout, const float *from, long begin, long end, float *to)

EVERY_PROCESSOR(NAME(Inputs), inputs, TO_PLANES, (images, numbers, begin, end, planes))
EVERY_PROCESSOR(
    NAME(InputGradients), inputGradients, FROM_PLANES, (images, planes, begin, end, numbers)
)
EVERY_PROCESSOR(NAME(Outputs), outputs, FROM_PLANES, (images, planes, begin, end, numbers))
EVERY_PROCESSOR(
    NAME(OutputGradients), outputGradients, TO_PLANES, (images, numbers, begin, end, planes)
)
EVERY_PROCESSOR(NAME(Kernels), kernels, OF_KERNELS, (layout, from, begin, end, to))
EVERY_PROCESSOR(NAME(KernelGradients), kernelGradients, OF_KERNELS, (layout, from, begin, end, to))
