// Numbers of 32 bits, or of 16: floats without their lower halves (bfloat16).
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum { CTKFloat32, CTKBFloat16 } CTKFormat;

/// Numbers in memory; the address may be null.
typedef struct {
  const void *address;
  CTKFormat format;
} CTKNumbers;

/// Numbers that are written.
typedef struct {
  void *address;
  CTKFormat format;
} CTKMutableNumbers;

/// wide[count] = narrow, exactly.
void ctk_widen(const uint16_t *narrow, ptrdiff_t count, float *wide);

/// narrow[count] = wide, rounded to the nearest, to the even one of two. NaN stays NaN.
void ctk_narrow(const float *wide, ptrdiff_t count, uint16_t *narrow);

/// sum[count] += addend, in 32 bits and rounded as above.
void ctk_add_narrow(uint16_t *sum, const uint16_t *addend, ptrdiff_t count);
