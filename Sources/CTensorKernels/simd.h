// Vectors of eight floats, whatever the registers of the ISA hold; sixteen in files FOR_BFLOAT16
// and WITH_WIDE_LANES.
#pragma once
#include "include/lanes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(FOR_BFLOAT16)
#define WITH_WIDE_LANES
#endif

#if defined(WITH_WIDE_LANES)
enum { LaneCount = CTKWideLaneCount };
#else
enum { LaneCount = CTKLaneCount };
#endif

typedef float Lanes __attribute__((vector_size(4 * LaneCount)));
typedef int LaneFlags __attribute__((vector_size(4 * LaneCount)));

// Functions that take and return vectors are all inlined, so the calling convention does not
// matter.
#pragma clang diagnostic ignored "-Wpsabi"

// A file that multiplies bfloat16, or prepares for that, is compiled for the processors that do.
#if defined(FOR_BFLOAT16) && defined(__x86_64__)
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#else
#define TARGET
#endif

#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE void load(Lanes *value, const float *from) { memcpy(value, from, sizeof *value); }

INLINE void store(const Lanes *value, float *to) { memcpy(to, value, sizeof *value); }

/// The first `size` bytes of a vector; zeros behind them.
INLINE Lanes lanes(const float *from, size_t size) {
  Lanes value = {0};
  memcpy(&value, from, size);
  return value;
}

/// `value` where a flag is set, `other` elsewhere.
INLINE Lanes chosen(LaneFlags flags, Lanes value, Lanes other) {
  return (Lanes)((flags & (LaneFlags)value) | (~flags & (LaneFlags)other));
}

INLINE float sumOf(Lanes values) {
  float total = 0;
  UNROLL for (int i = 0; i < LaneCount; i++) total += values[i];
  return total;
}

/// Calls BODY(size) for `count` numbers: for each vector from `place` on, then for the rest, of
/// fewer bytes.
#define FOR_LANES(place, count, BODY)                                                              \
  ptrdiff_t place = 0;                                                                             \
  for (; place + LaneCount <= count; place += LaneCount) { BODY(sizeof(Lanes)); }                  \
  if (place < count) { BODY((count - place) * sizeof(float)); }

/// Vectors of neighbouring channels whose sums do not wait for each other.
enum { Unrolled = 4 };

/// Calls BODY(count, size) for all channels: `count` vectors of `size` bytes from `channel` on.
#define FOR_CHANNELS(BODY)                                                                         \
  ptrdiff_t channel = 0;                                                                           \
  for (; channel + Unrolled * LaneCount <= channels; channel += Unrolled * LaneCount) {            \
    BODY(Unrolled, sizeof(Lanes));                                                                 \
  }                                                                                                \
  for (; channel + LaneCount <= channels; channel += LaneCount) { BODY(1, sizeof(Lanes)); }        \
  if (channel < channels) { BODY(1, (channels - channel) * sizeof(float)); }

INLINE void add(const Lanes *value, float *to) {
  Lanes sum;
  load(&sum, to);
  sum += *value;
  store(&sum, to);
}

/// At most sixteen numbers that are `step` apart, four from each pointer: of one pointer for all,
/// clang makes a chain of additions, which takes longer than products of each with a single vector.
typedef struct {
  const float *fours[4];
  ptrdiff_t step;
} Spaced;

INLINE Spaced spacedFrom(const float *first, ptrdiff_t step, int count) {
  Spaced numbers = {{0}, step};
  UNROLL for (int i = 0; 4 * i < count; i++) {
    numbers.fours[i] = first + 4 * i * step;
    __asm__("" : "+r"(numbers.fours[i]));
  }
  return numbers;
}

INLINE float spacedAt(const Spaced *numbers, int i) {
  return numbers->fours[i / 4][i % 4 * numbers->step];
}

INLINE void advance(Spaced *numbers, ptrdiff_t distance, int count) {
  UNROLL for (int i = 0; 4 * i < count; i++) numbers->fours[i] += distance;
}

#if defined(WITH_WIDE_LANES)

/// The numbers of a row of which those in every second square come from the row `size` below, and
/// of that row.
#define UPPER(i, size) ((i) & (size) ? LaneCount + ((i) ^ (size)) : (i))
#define LOWER(i, size) ((i) & (size) ? LaneCount + (i) : (i) ^ (size))
#define SIXTEEN(of, size)                                                                          \
  of(0, size), of(1, size), of(2, size), of(3, size), of(4, size), of(5, size), of(6, size),       \
      of(7, size), of(8, size), of(9, size), of(10, size), of(11, size), of(12, size),             \
      of(13, size), of(14, size), of(15, size)
#define EXCHANGE(size)                                                                             \
  UNROLL for (int row = 0; row < LaneCount; row++) {                                               \
    if (row & size) continue;                                                                      \
    Lanes a = rows[row], b = rows[row + size];                                                     \
    rows[row] = __builtin_shufflevector(a, b, SIXTEEN(UPPER, size));                               \
    rows[row + size] = __builtin_shufflevector(a, b, SIXTEEN(LOWER, size));                        \
  }

/// Exchanges rows and columns: squares beside the diagonal, of growing size.
INLINE void transpose(Lanes *rows) {
  EXCHANGE(1);
  EXCHANGE(2);
  EXCHANGE(4);
  EXCHANGE(8);
}

#undef EXCHANGE
#undef SIXTEEN
#undef LOWER
#undef UPPER

#else

/// Exchanges rows and columns.
INLINE void transpose(Lanes *rows) {
  Lanes pairs[LaneCount], fours[LaneCount];
  UNROLL for (int i = 0; i < 4; i++) {
    Lanes a = rows[2 * i], b = rows[2 * i + 1];
    pairs[2 * i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    pairs[2 * i + 1] = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  UNROLL for (int i = 0; i < LaneCount; i++) {
    int first = i / 4 * 4 + i % 2;
    Lanes a = pairs[first], b = pairs[first + 2];
    fours[i] = i % 4 < 2 ? __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
                         : __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    Lanes a = fours[i], b = fours[i + 4];
    rows[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

#endif

// MARK: Non-temporal stores, which bypass the caches and so need not read what they overwrite.

/// Stores the first `size` bytes of a vector; a non-temporal store writes all of it.
INLINE void storePart(Lanes value, float *to, bool isNonTemporal, size_t size) {
  if (isNonTemporal) __builtin_nontemporal_store(value, (Lanes *)to);
  else memcpy(to, &value, size);
}

/// Makes earlier non-temporal stores visible to other threads.
INLINE void fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
