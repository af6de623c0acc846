// Vectors of numbers of either format. The formats are constants wherever these are inlined.
#pragma once
#include "include/numbers.h"
#include "simd.h"

#if defined(FOR_BFLOAT16) && defined(__x86_64__)
#include <immintrin.h>
#endif

typedef uint16_t Halves __attribute__((vector_size(2 * LaneCount)));
typedef uint32_t Words __attribute__((vector_size(4 * LaneCount)));

INLINE Lanes widened(Halves halves) {
  return (Lanes)(__builtin_convertvector(halves, Words) << 16);
}

/// To the nearest, and to the even one of two; NaN stays NaN.
INLINE Halves narrowed(Lanes value) {
#if defined(FOR_BFLOAT16) && defined(__x86_64__)
  // Denormal numbers become zero.
  return (Halves)_mm512_cvtneps_pbh((__m512)value);
#else
  Words bits = (Words)value, isNumber = (Words)(value == value);
  Words rounded = bits + 0x7fff + ((bits >> 16) & 1), quiet = bits | 0x400000;
  return __builtin_convertvector(((isNumber & rounded) | (~isNumber & quiet)) >> 16, Halves);
#endif
}

#if defined(FOR_BFLOAT16) && defined(__x86_64__)

/// sum += the two products of each pair, of which a float has the bits.
INLINE void addProduct(Lanes *sum, float left, Lanes right) {
  __m512bh lefts = (__m512bh)_mm512_set1_ps(left);
  *sum = (Lanes)_mm512_dpbf16_ps((__m512)*sum, lefts, (__m512bh)right);
}

#else

/// sum += left · right
INLINE void addProduct(Lanes *sum, float left, Lanes right) { *sum += left * right; }

#endif

/// Calls BODY(format) with a constant.
#define FOR_FORMAT(format, BODY)                                                                   \
  if ((format) == CTKBFloat16) BODY(CTKBFloat16);                                                  \
  else BODY(CTKFloat32)

INLINE size_t sizeOf(CTKFormat format) { return format == CTKBFloat16 ? 2 : 4; }

/// The numbers from a place on.
INLINE CTKNumbers from(CTKNumbers numbers, ptrdiff_t place) {
  const char *address = numbers.address;
  return (CTKNumbers){address + place * (ptrdiff_t)sizeOf(numbers.format), numbers.format};
}

/// What was written.
INLINE CTKNumbers written(CTKMutableNumbers numbers) {
  return (CTKNumbers){numbers.address, numbers.format};
}

INLINE CTKMutableNumbers into(CTKMutableNumbers numbers, ptrdiff_t place) {
  char *address = numbers.address;
  return (CTKMutableNumbers){address + place * (ptrdiff_t)sizeOf(numbers.format), numbers.format};
}

/// The vector at a place: as many numbers as make `size` bytes of floats, and zeros.
INLINE Lanes lanesAt(CTKNumbers numbers, ptrdiff_t place, size_t size) {
  const void *address = from(numbers, place).address;
  if (numbers.format == CTKFloat32) return lanes(address, size);
  Halves halves = {0};
  memcpy(&halves, address, size / 2);
  return widened(halves);
}

/// Stores the numbers that make `size` bytes of floats; a non-temporal store writes a whole vector.
INLINE void storeAt(
    Lanes value, CTKMutableNumbers numbers, ptrdiff_t place, bool isNonTemporal, size_t size
) {
  if (numbers.format == CTKFloat32) {
    return storePart(value, (float *)numbers.address + place, isNonTemporal, size);
  }
  Halves halves = narrowed(value);
  uint16_t *address = (uint16_t *)numbers.address + place;
  if (isNonTemporal) __builtin_nontemporal_store(halves, (Halves *)address);
  else memcpy(address, &halves, size / 2);
}

/// Whether all rows consist of whole aligned vectors, as non-temporal stores require.
INLINE bool allowsNonTemporal(CTKMutableNumbers rows, ptrdiff_t channels) {
  return channels % LaneCount == 0
         && (uintptr_t)rows.address % (LaneCount * sizeOf(rows.format)) == 0;
}
