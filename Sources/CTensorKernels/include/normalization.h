// Loops of batch and group normalisation over rows of channels.
#pragma once
#include "numbers.h"
#include <stdbool.h>
#include <stddef.h>

/// Where the activation behind a normalisation lets the gradient pass.
typedef enum {
  /// Everywhere: there is no activation.
  CTKGateOpen,
  /// Where the output is above zero.
  CTKGateByOutput,
  /// Where x · factor + offset is above zero: without a residual that is the output.
  CTKGateByInput,
} CTKGate;

/// One number for each channel.
typedef struct {
  const float *factor, *offset;
} CTKAffine;

/// The gradient of a normalisation's output, its input and, for CTKGateByOutput, its output, each
/// of [rows, channels] and one format.
typedef struct {
  const void *gradient, *input, *output;
  CTKFormat format;
  CTKAffine affine;
  CTKGate gate;
} CTKNormalized;

/// sums[channel] = Σ over rows of x - shift, and squares those of (x - shift)².
void ctk_channel_sums(
    CTKNumbers x, const float *shift, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *squares);

/// y = x · factor + offset + residual, or max(0, that) if `isRectified`; the residual may be null,
/// and has the format of x, as y has. `isNonTemporal` stores bypass the caches.
void ctk_apply_affine(
    CTKNumbers x, const void *residual, CTKAffine affine, bool isRectified, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, void *y);

/// sums[channel] = Σ over rows of g, the gradient behind the gate, and products those of g · (x -
/// centre).
void ctk_gradient_sums(
    CTKNormalized, const float *centre, ptrdiff_t rows, ptrdiff_t channels, float *sums,
    float *products);

/// dx = a · g + b · x + c for g, the gradient behind the gate, and passed = g unless `passed` is
/// null. Both are of the format of all others. `isNonTemporal` stores bypass the caches.
void ctk_input_gradients(
    CTKNormalized, const float *a, const float *b, const float *c, bool isNonTemporal,
    ptrdiff_t rows, ptrdiff_t channels, void *dx, void *passed);
