// Packing of matrices for products.
#pragma once
#include <stddef.h>

/// panel[width][height] = the transpose of rows[height, width], which begin `stride` numbers apart.
void ctk_transpose_panel(
    const float *rows, ptrdiff_t stride, ptrdiff_t height, ptrdiff_t width, float *panel);
