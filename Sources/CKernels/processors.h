// A function for each kind of processor, of which a call takes the one that suits. (Clang's target_clones
// would be shorter, but a resolver that the loader calls crashes under the thread sanitizer.)
#pragma once

#if defined(__x86_64__)

/// Defines the function `name`, which calls `body`, an INLINE function.
#define EVERY_PROCESSOR(name, body, parameters, arguments)                                         \
  FOR_EACH_TARGET(name, body, parameters, arguments)

#define FOR_EACH_TARGET(name, body, parameters, arguments)                                         \
  __attribute__((target("avx512vl"))) static void name##AVX512 parameters { body arguments; }      \
  __attribute__((target("avx2,fma"))) static void name##AVX2 parameters { body arguments; }        \
  static void name##SSE parameters { body arguments; }                                             \
  void name parameters {                                                                           \
    __builtin_cpu_init();                                                                          \
    if (__builtin_cpu_supports("avx512vl")) {                                                      \
      name##AVX512 arguments;                                                                      \
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {                  \
      name##AVX2 arguments;                                                                        \
    } else {                                                                                       \
      name##SSE arguments;                                                                         \
    }                                                                                              \
  }

#else

#define EVERY_PROCESSOR(name, body, parameters, arguments)                                         \
  void name parameters { body arguments; }

#endif
