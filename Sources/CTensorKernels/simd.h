// Vectors of eight floats, whatever the registers of the ISA hold.
#pragma once
#include "include/lanes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LaneCount = CTKLaneCount };

typedef float Lanes __attribute__((vector_size(4 * LaneCount)));
typedef int LaneFlags __attribute__((vector_size(4 * LaneCount)));

// Functions that take and return vectors are all inlined, so the calling convention does not
// matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE void load(Lanes *value, const float *from) { memcpy(value, from, sizeof *value); }

INLINE void store(const Lanes *value, float *to) { memcpy(to, value, sizeof *value); }

/// The first `size` bytes of a vector; zeros behind them.
INLINE Lanes lanes(const float *from, size_t size) {
  Lanes value = {0};
  memcpy(&value, from, size);
  return value;
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

// MARK: Non-temporal stores, which bypass the caches and so need not read what they overwrite.

/// Stores the first `size` bytes of a vector; a non-temporal store writes all of it.
INLINE void storePart(Lanes value, float *to, bool isNonTemporal, size_t size) {
  if (isNonTemporal) __builtin_nontemporal_store(value, (Lanes *)to);
  else memcpy(to, &value, size);
}

/// Makes earlier non-temporal stores visible to other threads.
INLINE void fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
