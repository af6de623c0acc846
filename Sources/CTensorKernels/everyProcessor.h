// A function for each kind of processor, of which a call takes the one that suits. (Clang's target_clones
// would be shorter, but a resolver that the loader calls crashes under the thread sanitizer.)
#pragma once
#include "include/processors.h"

#if defined(__x86_64__)

/// Defines the function `name`, which calls `body`, an INLINE function.
#define EVERY_PROCESSOR(name, body, parameters, arguments)                                         \
  FOR_EACH_TARGET(name, body, parameters, arguments)

#define FOR_EACH_TARGET(name, body, parameters, arguments)                                         \
  __attribute__((target("avx512vl"))) static void name##AVX512 parameters { body arguments; }      \
  __attribute__((target("avx2,fma"))) static void name##AVX2 parameters { body arguments; }        \
  static void name##Any parameters { body arguments; }                                             \
  void name parameters {                                                                           \
    switch (tensorProcessor()) {                                                                   \
    case TensorAVX512: name##AVX512 arguments; break;                                              \
    case TensorAVX2: name##AVX2 arguments; break;                                                  \
    case TensorAnyProcessor: name##Any arguments; break;                                           \
    }                                                                                              \
  }

#else

#define EVERY_PROCESSOR(name, body, parameters, arguments)                                         \
  void name parameters { body arguments; }

#endif
