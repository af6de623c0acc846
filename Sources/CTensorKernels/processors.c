#include "include/processors.h"
#include <stdatomic.h>

static atomic_int limit = TensorAVX512;

static TensorProcessor best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vl")) return TensorAVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return TensorAVX2;
#endif
  return TensorAnyProcessor;
}

TensorProcessor tensorProcessor(void) {
  int most = atomic_load(&limit), found = best();
  return found < most ? found : most;
}

void tensorLimitProcessor(TensorProcessor best) { atomic_store(&limit, (int)best); }
