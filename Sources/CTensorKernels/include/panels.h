// Parts of matrices as products read them.
#pragma once

/// panel[column][row] = rows[row][column], for `height` rows that begin `stride` numbers apart and `width`
/// columns of them.
void tensorTransposedPanel(
    const float *rows, long stride, long height, long width, float *panel);
