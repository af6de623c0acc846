// Loops of batch and group normalisation over rows of channels.
#pragma once
#include <stdbool.h>

/// How a gradient passes the activation behind a normalisation.
typedef enum {
  /// There is none.
  TensorGateOpen,
  /// Where the output is above zero.
  TensorGateByOutput,
  /// Where x · factor + offset is above zero, which is the output if no residual was added.
  TensorGateByInput,
} TensorGate;

/// One number for each channel.
typedef struct {
  const float *factor, *offset;
} TensorAffine;

/// What a gradient came through: rows[rows, channels] of a normalisation's inputs and, for
/// TensorGateByOutput, its outputs.
typedef struct {
  const float *gradient, *input, *output;
  TensorAffine affine;
  TensorGate gate;
} TensorNormalized;

/// sums[channel] = Σ over rows of x - shift, and squares those of (x - shift)².
void tensorChannelSums(
    const float *x, const float *shift, long rows, long channels, float *sums, float *squares);

/// y = x · factor + offset + residual, and with `isRectified` max(0, y); there may be no residual. With
/// `isStreamed` results are written past the caches.
void tensorApplyAffine(
    const float *x, const float *residual, TensorAffine affine, bool isRectified, bool isStreamed,
    long rows, long channels, float *y);

/// With g the gradient that passed the gate: sums[channel] = Σ over rows of g, and products those of
/// g · (x - centre).
void tensorGradientSums(
    const TensorNormalized *, const float *centre, long rows, long channels, float *sums,
    float *products);

/// With g the gradient that passed the gate: dx = a · g + b · x + c, and passed = g unless it is null. With
/// `isStreamed` they are written past the caches.
void tensorInputGradients(
    const TensorNormalized *, const float *a, const float *b, const float *c, bool isStreamed,
    long rows, long channels, float *dx, float *passed);
