#include "include/isa.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static CTKISA supported(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vl")) return CTKISAAVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CTKISAAVX2;
#endif
  return CTKISABaseline;
}

/// The limit that TENSOR_MAX_ISA names; none if it is unset or names no ISA.
static CTKISA named(void) {
  const char *name = getenv("TENSOR_MAX_ISA");
  if (name && strcmp(name, "baseline") == 0) return CTKISABaseline;
  if (name && strcmp(name, "avx2") == 0) return CTKISAAVX2;
  return CTKISAAVX512;
}

static CTKISA detected(void) {
  CTKISA most = supported(), limit = named();
  return most < limit ? most : limit;
}

/// The ISA in use; -1 before anyone asked.
static atomic_int current = -1;

CTKISA ctk_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa >= 0) return (CTKISA)isa;
  int found = detected();
  // A limit that was set meanwhile stays.
  return (CTKISA)(atomic_compare_exchange_strong(&current, &isa, found) ? found : isa);
}

void ctk_set_max_isa(CTKISA max) {
  CTKISA found = detected();
  atomic_store(&current, found < max ? (int)found : (int)max);
}
