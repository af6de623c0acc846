// Rows of results, and the gradient of their kernel, for a file with wide lanes, of floats or, if
// it is FOR_BFLOAT16, of pairs.
#pragma once
#include "../epilogue.h"
#include "../include/convolutionRows.h"
#include "../numbers.h"

/// The most vectors of sums of a block, which are those of AVX-512, and of outputs.
enum { MostSums = 24, MostVectors = 4 };

/// Calls BODY(count) for as many vectors of outputs at a time as leave room for enough sums.
#define FOR_OUTPUTS(BODY)                                                                          \
  ptrdiff_t output = 0;                                                                            \
  if (registers >= MostSums) {                                                                     \
    for (; output + 4 * LaneCount <= sizes.outputs; output += 4 * LaneCount) { BODY(4); }          \
    for (; output + 2 * LaneCount <= sizes.outputs; output += 2 * LaneCount) { BODY(2); }          \
  }                                                                                                \
  for (; output < sizes.outputs; output += LaneCount) { BODY(1); }

/// Calls BODY(count) for blocks of `all`, as large as registers hold, and for the `small` ones that
/// remain. BODY finds in `place` where its block begins.
#define FOR_BLOCKS(all, small, vectors, BODY)                                                      \
  ptrdiff_t place = 0;                                                                             \
  if (registers / (vectors) >= 12) {                                                               \
    for (; place + 12 <= (all); place += 12) { BODY(12); }                                         \
  }                                                                                                \
  if (registers / (vectors) >= 6) {                                                                \
    for (; place + 6 <= (all); place += 6) { BODY(6); }                                            \
  }                                                                                                \
  for (; place + (small) <= (all); place += (small)) { BODY(small); }                              \
  for (; place < (all); place++) { BODY(1); }

// MARK: Results

/// `count` neighbouring results, of `vectors` vectors of outputs.
INLINE void resultBlock(
    int count, int vectors, CTKConvolutionRows sizes, const float *image, const float *kernel,
    Finish *finishes, CTKEpilogue epilogue, CTKMutableNumbers y, ptrdiff_t place
) {
  Lanes sums[MostSums] = {{0}};
  for (ptrdiff_t line = 0; line < sizes.lines; line++, image += sizes.lineStep) {
    Spaced pixels = spacedFrom(image, sizes.step, count);
    for (ptrdiff_t term = 0; term < sizes.terms; term++, kernel += sizes.outputs) {
      Lanes weights[MostVectors];
      UNROLL for (int v = 0; v < vectors; v++) load(&weights[v], kernel + v * LaneCount);
      UNROLL for (int i = 0; i < count; i++) {
        float pixel = spacedAt(&pixels, i);
        UNROLL for (int v = 0; v < vectors; v++) {
          addProduct(&sums[i * vectors + v], pixel, weights[v]);
        }
      }
      advance(&pixels, sizes.termStep, count);
    }
  }
  UNROLL for (int i = 0; i < count; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      ptrdiff_t at = place + i * sizes.outputs + v * LaneCount;
      Lanes sum = sums[i * vectors + v];
      storeAt(finished(sum, epilogue, finishes[v], at, sizeof sum), y, at, false, sizeof sum);
    }
  }
}

/// The rows of `vectors` vectors from an output on.
INLINE void resultsOf(
    int vectors, int registers, CTKConvolutionRows sizes, const float *image, const float *kernel,
    CTKEpilogue epilogue, CTKMutableNumbers y, ptrdiff_t output
) {
  Finish finishes[MostVectors];
  UNROLL for (int v = 0; v < vectors; v++) {
    finishes[v] = finishOf(epilogue, output + v * LaneCount, sizeof(Lanes));
  }
  for (ptrdiff_t row = 0; row < sizes.rows; row++, image += sizes.rowStep) {
#define BLOCK(count)                                                                               \
  resultBlock(                                                                                     \
      count, vectors, sizes, image + place * sizes.step, kernel + output, finishes, epilogue, y,   \
      (row * sizes.width + place) * sizes.outputs + output)
    FOR_BLOCKS(sizes.width, 2, vectors, BLOCK)
#undef BLOCK
  }
}

INLINE void resultsThen(
    CTKConvolutionRows sizes, const float *image, const float *kernel, CTKEpilogue epilogue,
    CTKMutableNumbers y, int registers
) {
#define VECTORS(count)                                                                             \
  resultsOf(count, registers, sizes, image, kernel, epilogue, y, output)
  FOR_OUTPUTS(VECTORS)
#undef VECTORS
}

INLINE void convolutionRows(
    CTKConvolutionRows sizes, const float *image, const float *kernel, CTKEpilogue epilogue,
    CTKMutableNumbers y, int registers
) {
#define RESULTS(epilogue, format)                                                                  \
  resultsThen(sizes, image, kernel, epilogue, (CTKMutableNumbers){y.address, format}, registers)
  FOR_RESULTS(epilogue, y.format, RESULTS);
#undef RESULTS
}

// MARK: The gradient of the kernel

/// The share of `count` terms of a line, of `vectors` vectors of outputs.
INLINE void gradientBlock(
    int count, int vectors, CTKConvolutionRows sizes, const float *image, const float *gradient,
    float *kernel
) {
  Lanes sums[MostSums] = {{0}};
  for (ptrdiff_t row = 0; row < sizes.rows; row++, image += sizes.rowStep) {
    const float *pixels = image;
    for (ptrdiff_t x = 0; x < sizes.width; x++) {
      Lanes slopes[MostVectors];
      UNROLL for (int v = 0; v < vectors; v++) load(&slopes[v], gradient + v * LaneCount);
      UNROLL for (int i = 0; i < count; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
          addProduct(&sums[i * vectors + v], pixels[i], slopes[v]);
        }
      }
      pixels += sizes.step;
      gradient += sizes.outputs;
    }
  }
  UNROLL for (int i = 0; i < count; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      add(&sums[i * vectors + v], kernel + i * sizes.outputs + v * LaneCount);
    }
  }
}

INLINE void gradientsOf(
    int vectors, int registers, CTKConvolutionRows sizes, const float *image, const float *gradient,
    float *kernel
) {
  for (ptrdiff_t line = 0; line < sizes.lines; line++) {
    const float *pixels = image + line * sizes.lineStep;
    float *sums = kernel + line * sizes.terms * sizes.outputs;
#define BLOCK(count)                                                                               \
  gradientBlock(count, vectors, sizes, pixels + place, gradient, sums + place * sizes.outputs)
    FOR_BLOCKS(sizes.terms, 3, vectors, BLOCK)
#undef BLOCK
  }
}

INLINE void kernelGradient(
    CTKConvolutionRows sizes, const float *image, const float *gradient, float *kernel,
    int registers
) {
#define VECTORS(count)                                                                             \
  gradientsOf(count, registers, sizes, image, gradient + output, kernel + output)
  FOR_OUTPUTS(VECTORS)
#undef VECTORS
}
