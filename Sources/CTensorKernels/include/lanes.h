// The vectors that all loops work with.
#pragma once

/// The floats of a vector. Winograd's channels must be a multiple of it.
enum { CTKLaneCount = 8 };
