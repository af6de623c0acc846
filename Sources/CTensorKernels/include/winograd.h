// Winograd's transforms (Lavin and Gray, 2016), and how the transformed numbers lie in memory.
//
// A tile of pixels, or a kernel, becomes one number per channel at each point of both axes. At
// stride 2 a tile has phases: its pixels by their distance from the corner modulo the stride.
#pragma once
#include "epilogue.h"
#include "lanes.h"
#include "normalization.h"
#include "numbers.h"
#include <stdbool.h>
#include <stddef.h>

#define CTK_LAYOUT static inline __attribute__((always_inline))

/// The numbers between two planes: a line of the cache, for planes that are powers of two apart
/// would compete for the same few lines.
CTK_LAYOUT ptrdiff_t ctk_winograd_gap(CTKFormat format) { return format == CTKBFloat16 ? 32 : 16; }

/// Images [count, height, width, channels] and the tiles that each is cut into, row by row.
typedef struct {
  ptrdiff_t height, width, channels;
  /// The rows and columns of zeros before the first pixel.
  ptrdiff_t top, left;
  /// The tiles of an image.
  ptrdiff_t down, across;
} CTKWinogradImages;

/// What is done to pixels before they are transformed: x · factor + offset, or max(0, that) if
/// `isRectified`, with numbers for the channels of each sample of some images. Nothing where factor
/// is null. The zeros around an image stay zeros.
typedef struct {
  CTKAffine affine;
  ptrdiff_t imagesPerSample;
  bool isRectified;
} CTKWinogradNormalization;

/// The numbers of `capacity` tiles from `first` on at all points, in the scheme's format: a plane
/// of [tile][channel of a phase] for each point.
typedef struct {
  void *_Nonnull numbers;
  ptrdiff_t first, capacity;
} CTKWinogradBuffer;

/// The points of a scheme along an axis, of which the last is infinity. The macro is for sizes of
/// C's arrays.
#define CTK_WINOGRAD_POINTS(stride, extent) ((extent) + (2 + (stride)) / (stride) - 1)

/// The phases along an axis that have a number at a point: at infinity, phases of a single tap have
/// none.
CTK_LAYOUT ptrdiff_t ctk_winograd_phases(ptrdiff_t stride, ptrdiff_t points, ptrdiff_t point) {
  return point == points - 1 ? 1 : stride;
}

/// The phases in all planes before that of a point. Planes lie row by row.
CTK_LAYOUT ptrdiff_t ctk_winograd_phases_before(
    ptrdiff_t stride, ptrdiff_t points, ptrdiff_t row, ptrdiff_t column
) {
  return row * stride * ((points - 1) * stride + 1)
         + column * stride * ctk_winograd_phases(stride, points, row);
}

/// Where a point's plane begins, for planes of `size` numbers a phase: of inputs or weights.
CTK_LAYOUT ptrdiff_t ctk_winograd_phase_plane(
    CTKFormat format, ptrdiff_t stride, ptrdiff_t points, ptrdiff_t row, ptrdiff_t column,
    ptrdiff_t size
) {
  return ctk_winograd_phases_before(stride, points, row, column) * size
         + (row * points + column) * ctk_winograd_gap(format);
}

/// Where a point's plane begins, for planes of `size` numbers: of products.
CTK_LAYOUT ptrdiff_t ctk_winograd_plane(
    CTKFormat format, ptrdiff_t points, ptrdiff_t row, ptrdiff_t column, ptrdiff_t size
) {
  return (row * points + column) * (size + ctk_winograd_gap(format));
}

/// A weight[outputs, 3, 3, inputs], and how its kernels lie in each plane: for outputs, which are
/// sums over phases and inputs, [panel][phase][input][output of the panel]; for gradients of
/// inputs, which are sums over outputs, [phase][panel][output][input of the panel]. A panel has at
/// most `panel` columns. In 16 bits, rows 2i and 2i + 1 lie in words of 32, as products read them.
typedef struct {
  ptrdiff_t outputs, inputs, panel;
  bool isForOutputs;
} CTKWinogradWeightLayout;

/// The transforms of a scheme, for tiles `begin..<end` or for these outputs of a weight, a multiple
/// of CTKLaneCount of them, or of CTKWideLaneCount in 16 bits.
typedef struct __attribute__((swift_attr("@Sendable"))) {
  /// A tile has `extent` x `extent` results.
  ptrdiff_t stride, extent, points;
  /// That of all transformed numbers but gradients of weights.
  CTKFormat format;
  /// values = Bᵀ d B, for the pixels d of each tile, normalized.
  void (*_Nonnull inputs)(
      CTKWinogradImages, CTKNumbers images, CTKWinogradNormalization, ptrdiff_t begin,
      ptrdiff_t end, CTKWinogradBuffer values);
  /// images = Σ B v Bᵀ, or += that if it is `accumulating`, for the gradients v of each tile. An
  /// image's tiles must come in order.
  void (*_Nonnull inputGradients)(
      CTKWinogradImages, CTKWinogradBuffer values, ptrdiff_t begin, ptrdiff_t end,
      bool accumulating, float *_Nonnull images);
  /// images = Aᵀ m A, for the products m of each tile, and the epilogue of that if images are
  /// floats.
  void (*_Nonnull outputs)(
      CTKWinogradImages, CTKWinogradBuffer products, ptrdiff_t begin, ptrdiff_t end,
      CTKEpilogue, CTKMutableNumbers images);
  /// values = A dy Aᵀ, for the gradients dy of each tile's results.
  void (*_Nonnull outputGradients)(
      CTKWinogradImages, CTKNumbers images, ptrdiff_t begin, ptrdiff_t end,
      CTKWinogradBuffer values);
  /// transformed = G g Gᵀ, for the kernels g of a weight; words, if two numbers lie in one.
  void (*_Nonnull weights)(
      CTKWinogradWeightLayout, const float *_Nonnull weight, ptrdiff_t begin, ptrdiff_t end,
      float *_Nonnull transformed);
  /// weight = Gᵀ u G, for the gradients u[plane][output][phase][input] of its transformed
  /// kernels.
  void (*_Nonnull weightGradients)(
      CTKWinogradWeightLayout, const float *_Nonnull transformed, ptrdiff_t begin, ptrdiff_t end,
      float *_Nonnull weight);
} CTKWinogradScheme;

extern const CTKWinogradScheme ctk_winograd3, ctk_winograd4, ctk_winograd5, ctk_winograd6,
    ctk_winograd_strided3, ctk_winograd_strided4, ctk_winograd_rounded2, ctk_winograd_rounded3,
    ctk_winograd_rounded_strided3;
