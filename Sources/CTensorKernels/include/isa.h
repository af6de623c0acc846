// The instruction sets that every loop is compiled for.
#pragma once

typedef enum { CTKISABaseline, CTKISAAVX2, CTKISAAVX512 } CTKISA;

/// The best ISA of this processor up to the maximum, detected once.
CTKISA ctk_isa(void);

/// Limits the ISA, so that tests can run what older processors run.
void ctk_set_max_isa(CTKISA max);
