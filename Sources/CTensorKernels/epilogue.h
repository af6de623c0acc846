// Epilogues of vectors.
#pragma once
#include "include/epilogue.h"
#include "simd.h"

/// `value` where `condition` is positive or NaN, else zero.
INLINE Lanes whereAboveZero(Lanes value, Lanes condition) {
  return (Lanes)(~(condition <= 0) & (LaneFlags)value);
}

/// An epilogue's numbers for a vector of channels.
typedef struct {
  Lanes factor, offset;
  /// What becomes the bound itself: zero and less of a ReLU, else nothing.
  Lanes bound;
} Finish;

/// Those of `size` bytes from `channel` on.
INLINE Finish finishOf(CTKEpilogue epilogue, ptrdiff_t channel, size_t size) {
  Finish finish = {{0}, {0}, {0}};
  if (!epilogue.factor) return finish;
  finish.factor = lanes(epilogue.factor + channel, size);
  finish.offset = lanes(epilogue.offset + channel, size);
  if (!epilogue.isRectified) finish.bound -= __builtin_inff();
  return finish;
}

/// value · factor + offset, before a residual and the bound.
INLINE Lanes scaled(Lanes value, Finish finish) {
  return value * finish.factor + finish.offset;
}

INLINE Lanes bounded(Lanes value, Finish finish) {
  return chosen(value <= finish.bound, finish.bound, value);
}

/// What follows `value`, `size` bytes of a result; its place in all results is `place`.
INLINE Lanes finished(
    Lanes value, CTKEpilogue epilogue, Finish finish, ptrdiff_t place, size_t size
) {
  if (!epilogue.factor) return value;
  value = scaled(value, finish);
  if (epilogue.residual) value += lanes(epilogue.residual + place, size);
  return bounded(value, finish);
}

/// Calls BODY(epilogue, format), both of them constants where that is possible: results of 16 bits
/// have no epilogue, and the compiler knows of one that is none, or has no residual.
#define FOR_RESULTS(epilogue, format, BODY)                                                        \
  if ((format) == CTKBFloat16) BODY(((CTKEpilogue){0}), CTKBFloat16);                              \
  else if (!(epilogue).factor) BODY(((CTKEpilogue){0}), CTKFloat32);                               \
  else if (!(epilogue).residual) {                                                                 \
    BODY(                                                                                          \
        ((CTKEpilogue){(epilogue).factor, (epilogue).offset, 0, (epilogue).isRectified}),          \
        CTKFloat32);                                                                               \
  } else BODY(epilogue, CTKFloat32)
