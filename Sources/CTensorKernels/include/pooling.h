// The largest numbers of windows.
#pragma once
#include "numbers.h"
#include <stddef.h>
#include <stdint.h>

/// A window of an image [height, width, channels], without padding.
typedef struct {
  ptrdiff_t width, channels;
  /// The first pixel, counted from the start of the image, and the sizes.
  ptrdiff_t first, rows, columns;
} CTKWindow;

/// largest[channel] = the largest number of the window, or its last NaN, and places[channel] the
/// pixel that it is of: the first of equal ones.
void ctk_largest(
    CTKNumbers image, CTKWindow window, CTKMutableNumbers largest, int32_t *places);
