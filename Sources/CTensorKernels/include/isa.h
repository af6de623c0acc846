// The instruction sets that every loop is compiled for.
#pragma once

typedef enum { CTKISABaseline, CTKISAAVX2, CTKISAAVX512 } CTKISA;

/// The best ISA of this processor up to the maximum, detected once.
///
/// The environment variable TENSOR_MAX_ISA limits it: `baseline` (SSE2 on x86-64) or `avx2`.
CTKISA ctk_isa(void);

/// Limits the ISA further, so that tests can run what older processors run.
void ctk_set_max_isa(CTKISA max);
