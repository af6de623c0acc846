// Results that are written to memory past the caches, which then need not read first what is overwritten.
#pragma once
#include "lanes.h"
#include <stdint.h>

/// Whether all rows are of whole vectors, as streamed ones must be.
INLINE bool canBeStreamed(const float *rows, long channels) {
  return channels % LaneCount == 0 && (uintptr_t)rows % sizeof(Lanes) == 0;
}

/// Stores the first `size` bytes, which for a streamed vector are all.
INLINE void put(Lanes value, float *to, bool isStreamed, size_t size) {
  if (isStreamed) __builtin_nontemporal_store(value, (Lanes *)to);
  else memcpy(to, &value, size);
}

/// From here on other threads see what was streamed.
INLINE void endStream(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
