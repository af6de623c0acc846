#include "include/pooling.h"
#include "dispatch.h"
#include "numbers.h"

/// As many channels, from one on, as make `size` bytes of floats.
INLINE void largestOf(
    CTKNumbers image, CTKWindow window, ptrdiff_t channel, size_t size, CTKMutableNumbers largest,
    int32_t *places
) {
  Lanes found = lanesAt(image, window.first * window.channels + channel, size);
  LaneFlags where = (LaneFlags){0} + (int)window.first;
  for (ptrdiff_t row = 0; row < window.rows; row++) {
    for (ptrdiff_t column = 0; column < window.columns; column++) {
      ptrdiff_t pixel = window.first + row * window.width + column;
      Lanes value = lanesAt(image, pixel * window.channels + channel, size);
      LaneFlags isLarger = (value > found) | (value != value);
      found = chosen(isLarger, value, found);
      where = (LaneFlags)chosen(isLarger, (Lanes)((LaneFlags){0} + (int)pixel), (Lanes)where);
    }
  }
  storeAt(found, largest, channel, false, size);
  memcpy(places + channel, &where, size);
}

/// Fetches the rows below a window, which the processor does not foresee.
INLINE void prefetchBelow(CTKNumbers image, CTKWindow window) {
  ptrdiff_t line = 64 / (ptrdiff_t)sizeOf(image.format);
  for (ptrdiff_t row = window.rows; row < 2 * window.rows - 1; row++) {
    ptrdiff_t first = (window.first + row * window.width) * window.channels;
    for (ptrdiff_t place = 0; place < (window.columns - 1) * window.channels; place += line) {
      __builtin_prefetch(from(image, first + place).address);
    }
  }
}

INLINE void largestIn(
    CTKNumbers image, CTKWindow window, CTKMutableNumbers largest, int32_t *places
) {
  ptrdiff_t channels = window.channels;
  prefetchBelow(image, window);
#define BODY(size) largestOf(image, window, channel, size, largest, places)
  FOR_LANES(channel, channels, BODY)
#undef BODY
}

INLINE void largestOfWindow(
    CTKNumbers image, CTKWindow window, CTKMutableNumbers largest, int32_t *places
) {
#define BODY(format)                                                                               \
  largestIn(                                                                                       \
      (CTKNumbers){image.address, format}, window, (CTKMutableNumbers){largest.address, format},   \
      places)
  FOR_FORMAT(image.format, BODY);
#undef BODY
}

CTK_DISPATCH(
    ctk_largest, largestOfWindow,
    (CTKNumbers image, CTKWindow window, CTKMutableNumbers largest, int32_t *places),
    (image, window, largest, places)
)
