// Winograd's transforms (Lavin and Gray, 2016).
#pragma once
#include <stdbool.h>

/// As many channels as one step handles.
enum { LaneCount = 8 };

/// Images [count, height, width, channels] and the tiles that each is cut into, row by row.
typedef struct {
  long height, width, channels;
  /// The rows and columns of zeros before the first pixel.
  long top, left;
  /// The tiles of an image.
  long down, across;
} WinogradImages;

/// The numbers of some tiles at all points: plane after plane of [tile][channel of a phase], with room
/// for `capacity` tiles, and WinogradGap numbers between two planes. The first tile is `first`.
typedef struct {
  float *_Nonnull numbers;
  long first, capacity;
} WinogradPlanes;

/// A line of the cache: planes of a power of two would all want the same few places in it.
enum { WinogradGap = 16 };

/// The weight[outputs, 3, 3, inputs] that is transformed, and how its kernels lie in each plane: for the
/// outputs, a sum over phases and inputs, [panel][phase][input][output of the panel]; for the gradients of
/// the inputs, a sum over outputs, [phase][panel][output][input of the panel]. A panel is so many of them,
/// and WinogradGap numbers are between two planes.
typedef struct {
  long outputs, inputs, panel;
  bool isForOutputs;
} WinogradKernelLayout;

/// The transforms of a scheme, for tiles `begin..<end` or for so many outputs of a weight; LaneCount of
/// them at a time.
typedef struct __attribute__((swift_attr("@Sendable"))) {
  long stride, extent;
  /// values = Bᵀ d B, for the pixels d of each tile.
  void (*_Nonnull inputs)(
      const WinogradImages *_Nonnull, const float *_Nonnull images, long begin, long end,
      const WinogradPlanes *_Nonnull);
  /// images = Σ B v Bᵀ, for the gradients v of each tile, if all tiles come in order.
  void (*_Nonnull inputGradients)(
      const WinogradImages *_Nonnull, const WinogradPlanes *_Nonnull, long begin, long end,
      float *_Nonnull images);
  /// images = Aᵀ m A, for the products m of each tile.
  void (*_Nonnull outputs)(
      const WinogradImages *_Nonnull, const WinogradPlanes *_Nonnull, long begin, long end,
      float *_Nonnull images);
  /// values = A dy Aᵀ, for the gradients dy of each tile's results.
  void (*_Nonnull outputGradients)(
      const WinogradImages *_Nonnull, const float *_Nonnull images, long begin, long end,
      const WinogradPlanes *_Nonnull);
  /// kernels = G g Gᵀ, for the kernels g of a weight.
  void (*_Nonnull kernels)(
      const WinogradKernelLayout *_Nonnull, const float *_Nonnull weight, long begin, long end,
      float *_Nonnull kernels);
  /// weight = Gᵀ u G, for the gradients u[plane][output][phase][input] of its kernels.
  void (*_Nonnull kernelGradients)(
      const WinogradKernelLayout *_Nonnull, const float *_Nonnull kernels, long begin, long end,
      float *_Nonnull weight);
} WinogradTransforms;

extern const WinogradTransforms tensorWinograd3, tensorWinograd4, tensorWinograd5, tensorWinograd6,
    tensorWinogradStrided3, tensorWinogradStrided4;
