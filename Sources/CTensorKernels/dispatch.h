// One version of a function for each ISA, chosen at run time; only one in a file FOR_BFLOAT16.
//
// Clang's target_clones would be shorter, but a resolver called by the loader crashes under the
// thread sanitizer.
#pragma once
#include "include/isa.h"
#include "simd.h"

#if defined(__x86_64__) && !defined(FOR_BFLOAT16)

/// Defines the function `name`, which calls `body`, an INLINE function, or a macro that also passes
/// `WideSums`: how many vectors of sixteen the ISA's registers hold besides two or three factors.
/// `static` may precede it.
#define CTK_DISPATCH(name, body, parameters, arguments)                                            \
  void name parameters;                                                                            \
  __attribute__((target("avx512vl"))) static void name##_avx512 parameters {                       \
    enum { WideSums = 24 };                                                                        \
    body arguments;                                                                                \
  }                                                                                                \
  __attribute__((target("avx2,fma"))) static void name##_avx2 parameters {                         \
    enum { WideSums = 6 };                                                                         \
    body arguments;                                                                                \
  }                                                                                                \
  static void name##_baseline parameters {                                                         \
    enum { WideSums = 2 };                                                                         \
    body arguments;                                                                                \
  }                                                                                                \
  void name parameters {                                                                           \
    static void(*const versions[]) parameters = {                                                  \
      [CTKISABaseline] = name##_baseline, [CTKISAAVX2] = name##_avx2,                              \
      [CTKISAAVX512] = name##_avx512};                                                             \
    versions[ctk_isa()] arguments;                                                                 \
  }

#else

#define CTK_DISPATCH(name, body, parameters, arguments)                                            \
  TARGET void name parameters {                                                                    \
    enum { WideSums = 6 };                                                                         \
    body arguments;                                                                                \
  }

#endif
