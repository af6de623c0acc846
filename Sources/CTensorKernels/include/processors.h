// The kinds of processors that every loop is compiled for.
#pragma once

typedef enum { TensorAnyProcessor, TensorAVX2, TensorAVX512 } TensorProcessor;

/// What the loops run as: the best that this processor can, and the limit allows.
TensorProcessor tensorProcessor(void);

/// Forbids what is better than `best`: a test of what older processors run.
void tensorLimitProcessor(TensorProcessor best);
