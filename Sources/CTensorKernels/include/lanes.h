// The vectors that all loops work with.
#pragma once

/// The floats of a vector, and of those in files of products of bfloat16 and of rows of
/// convolutions. Winograd's channels must be a multiple of it.
enum { CTKLaneCount = 8, CTKWideLaneCount = 16 };
